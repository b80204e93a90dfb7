# Reference numbers for multi-state models. Rscript make.R EBMT3.csv   (the table ebmt3 of the package mstate)
suppressPackageStartupMessages({library(survival); library(etm); library(jsonlite)})
ebmt3 <- read.csv(commandArgs(TRUE)[1])
control <- coxph.control(eps = 1e-11, toler.inf = 1e-7, iter.max = 50)
illness_death <- function(id, ill, is_ill, end, dead, start = 0) {
  first <- data.frame(id, from = "0", to = ifelse(is_ill == 1, "1", ifelse(dead == 1, "2", "cens")),
                      entry = start, exit = ifelse(is_ill == 1, ill, end))
  second <- data.frame(id, from = "1", to = ifelse(dead == 1, "2", "cens"), entry = ill, exit = end)[is_ill == 1, ]
  rows <- rbind(first, second); rows <- rows[rows$exit > rows$entry, ]; rows[order(rows$id, rows$entry), ]
}
long3 <- with(ebmt3, illness_death(id, prtime, prstat, rfstime, rfsstat))
mgus2$ill <- with(mgus2, ifelse(pstat == 1 & ptime == futime, ptime - .1, ptime))
longm <- with(mgus2, illness_death(id, ill, pstat, futime, death))
late <- transform(longm, entry = entry + 12 * mgus2$age[id], exit = exit + 12 * mgus2$age[id])
tra <- matrix(FALSE, 3, 3, dimnames = list(0:2, 0:2)); tra[1, 2] <- tra[1, 3] <- tra[2, 3] <- TRUE
fit <- function(rows, s = 0, tau = Inf) etm(rows, c("0", "1", "2"), tra, "cens", s = s, t = if (is.finite(tau)) tau else "last")
# etm 1.1-1 leaves the covariances of one row of P(s, t) at zero, so they come from the Kronecker form of Andersen et al.
# (1993), IV.4.1.3, whose diagonal must be etm's variances.
whole <- function(f) { S <- 3; I <- diag(S); V <- matrix(0, 9, 9); P <- I; out <- array(0, c(9, 9, length(f$time))); steps <- list()
  for (i in seq_along(f$time)) { Vd <- matrix(0, 9, 9); M <- I
    for (g in 1:2) { y <- f$n.risk[i, g]; d <- f$n.event[g, , i]; d[g] <- 0
      if (y > 0 && sum(d) > 0) { p <- d / y; p[g] <- 1 - sum(p); M[g, ] <- p; w <- g + S * (0:2); Vd[w, w] <- (diag(p) - p %o% p) / y } }
    V <- kronecker(t(M), I) %*% V %*% kronecker(M, I) + kronecker(I, P) %*% Vd %*% kronecker(I, t(P))
    P <- P %*% M; out[, , i] <- V; steps[[i]] <- M }
  stopifnot(isTRUE(all.equal(apply(out, 3, diag), apply(f$cov, 3, diag), tolerance = 1e-10, check.attributes = FALSE)))
  list(cov = out, steps = steps) }
row_of <- function(g) g + 1 + 3 * (0:2)
at <- function(f, times) { full <- whole(f); list(time = times, probability = lapply(times, function(t) f$est[, , max(which(f$time <= t))]),
  covariance = lapply(times, function(t) { i <- max(which(f$time <= t)); lapply(0:1, function(g) full$cov[row_of(g), row_of(g), i]) })) }
# Mean time in each state: the covariance of a sum over times, cov(P(u), P(v)) = cov(P(u)) P(u, v)
stay <- function(rows, s, tau) {
  f <- fit(rows, s); full <- whole(f); keep <- which(f$time > s & f$time < tau); u <- f$time[keep]; n <- length(u); dt <- diff(c(u, tau))
  lapply(0:1, function(g) {
    w <- row_of(g); total <- (u[1] - s) * (0:2 == g); V <- matrix(0, 3, 3); R <- matrix(0, 3, 3)
    for (i in n:1) { C <- full$cov[w, w, keep[i]]; V <- V + dt[i]^2 * C + dt[i] * (C %*% R + t(C %*% R))
      total <- total + dt[i] * f$est[g + 1, , keep[i]]; R <- full$steps[[keep[i]]] %*% (dt[i] * diag(3) + R) }
    list(days = unname(total), std_error = sqrt(diag(V))) })
}
landmark <- function(rows, s, g) { there <- rows$id[rows$from == g & rows$entry <= s & rows$exit > s]
  rows <- rows[rows$id %in% there & rows$exit > s, ]; rows$entry <- pmax(rows$entry, s); rows }
s3 <- 182.625
cases <- list(
  etm_ebmt3 = at(fit(long3), c(30, 365.25, 1826.25)), etm_ebmt3_from_half_a_year = at(fit(long3, s3), c(365.25, 1826.25)),
  etm_mgus2 = at(fit(longm), c(60, 120, 240)), etm_mgus2_from_120 = at(fit(longm, 120), c(180, 240)),
  etm_mgus2_by_age = at(fit(late, 840), c(900, 960, 1080)),
  landmark_ebmt3 = at(fit(landmark(long3, s3, "1"), s3), c(365.25, 1826.25)),
  landmark_mgus2 = at(fit(landmark(longm, 60, "1"), 60), c(84, 120)),
  stay_ebmt3 = stay(long3, 0, 1826.25), stay_ebmt3_from_half_a_year = stay(long3, s3, 1826.25), stay_mgus2 = stay(longm, 0, 240),
  stay_lung = { r <- summary(survfit(Surv(time, status) ~ 1, lung), rmean = 700)$table; unname(r[c("rmean", "se(rmean)")]) })
# Cox models on the stacked table
stacked <- do.call(rbind, lapply(list(c("0", "1"), c("0", "2"), c("1", "2")), function(p) {
  rows <- long3[long3$from == p[1], ]; rows$status <- as.numeric(rows$to == p[2]); rows$trans <- paste(p, collapse = ""); rows$target <- p[2]; rows }))
stacked <- cbind(stacked, ebmt3[match(stacked$id, ebmt3$id), c("dissub", "age", "drmatch", "tcd")])
stacked$dissub <- relevel(factor(stacked$dissub), "AML"); stacked$age <- relevel(factor(stacked$age), "<=20")
stacked$drmatch <- relevel(factor(stacked$drmatch), "No gender mismatch"); stacked$tcd <- factor(stacked$tcd)
for (k in c("01", "02", "12")) { one <- as.numeric(stacked$trans == k)
  stacked[paste0(c("all", "cml", "a20", "a40", "gm", "tcd"), k)] <- one * cbind(stacked$dissub == "ALL", stacked$dissub == "CML",
    stacked$age == "20-40", stacked$age == ">40", stacked$drmatch == "Gender mismatch", stacked$tcd == "TCD") }
stacked$pr <- as.numeric(stacked$trans == "12"); stacked$sojourn <- stacked$exit - stacked$entry
terms <- paste0(rep(c("all", "cml", "a20", "a40", "gm", "tcd"), 3), rep(c("01", "02", "12"), each = 6))
model <- function(response, extra, ties) coxph(as.formula(paste(response, "~", paste(c(terms, extra), collapse = "+"))), stacked, ties = ties, control = control)
numbers <- function(f) list(coef = unname(coef(f)), se = unname(sqrt(diag(f$var))), loglik = f$loglik)
forward <- "Surv(entry, exit, status)"; reset <- "Surv(sojourn, status)"
b <- model(forward, "strata(trans)", "breslow"); e <- model(forward, "strata(trans)", "efron")
cases$cox_breslow <- numbers(b); cases$cox_efron <- numbers(e)
cases$cox_proportional <- numbers(model(forward, c("pr", "strata(target)"), "breslow"))
cases$cox_reset <- numbers(model(reset, "strata(trans)", "efron"))
cases$cox_common <- numbers(coxph(Surv(entry, exit, status) ~ a20_ + a40_ + strata(trans), transform(stacked, a20_ = age == "20-40", a40_ = age == ">40"), ties = "breslow", control = control))
# Cumulative hazards of a patient (CML, >40, gender mismatch, TCD) with standard errors, a transition at a time
hazard <- function(f, k) { new <- as.data.frame(as.list(setNames(rep(0, 18), terms))); new[paste0(c("cml", "a40", "gm", "tcd"), k)] <- 1
  new$trans <- k; s <- summary(survfit(f, new, ctype = if (f$method == "efron") 2 else 1), times = c(30, 200, 1000)); list(cumulative = s$cumhaz, std_error = if (f$method == "efron") NULL else s$std.chaz) }
cases$hazard_breslow <- lapply(c("01", "02", "12"), function(k) hazard(b, k)); cases$hazard_efron <- lapply(c("01", "02", "12"), function(k) hazard(e, k))
# Probabilities of that patient by Breslow's increments: product, exponential, and the delta method by central differences
x <- as.matrix(stacked[terms]); z <- sapply(c("01", "02", "12"), function(k) as.numeric(terms %in% paste0(c("cml", "a40", "gm", "tcd"), k)))
increments <- function(beta) { r <- exp(drop(x %*% beta)); do.call(rbind, lapply(1:3, function(k) { d <- stacked$trans == c("01", "02", "12")[k]
  u <- sort(unique(stacked$exit[d & stacked$status == 1])); g <- exp(sum(z[, k] * beta))
  t(sapply(u, function(t) { s0 <- sum(r[d & stacked$entry < t & stacked$exit >= t]); n <- sum(d & stacked$status == 1 & stacked$exit == t); c(t, k, g * n / s0, g^2 * n / s0^2) })) })) }
walk <- function(inc, tau, start = 1:2, noise = FALSE) { P <- diag(3); C <- list(matrix(0, 3, 3), matrix(0, 3, 3)); from <- c(1, 1, 2); to <- c(2, 3, 3)
  for (t in sort(unique(inc[inc[, 1] <= tau, 1]))) { now <- inc[inc[, 1] == t, , drop = FALSE]; M <- diag(3)
    for (j in seq_len(nrow(now))) { k <- now[j, 2]; M[from[k], to[k]] <- M[from[k], to[k]] + now[j, 3]; M[from[k], from[k]] <- M[from[k], from[k]] - now[j, 3] }
    if (noise) for (g in 1:2) { C[[g]] <- t(M) %*% C[[g]] %*% M
      for (j in seq_len(nrow(now))) { k <- now[j, 2]; v <- numeric(3); v[to[k]] <- P[g, from[k]]; v[from[k]] <- -P[g, from[k]]; C[[g]] <- C[[g]] + now[j, 4] * v %o% v } }
    P <- P %*% M }
  list(P = P, C = C) }
tau <- 1826.25; beta <- coef(b); whole <- walk(increments(beta), tau, noise = TRUE); h <- 1e-4
slope <- lapply(1:18, function(j) { d <- replace(numeric(18), j, h); (walk(increments(beta + d), tau)$P - walk(increments(beta - d), tau)$P) / (2 * h) })
cases$delta <- list(probability = whole$P, std_error = lapply(1:2, function(g) { D <- t(sapply(slope, function(s) s[g, ])); sqrt(diag(whole$C[[g]] + t(D) %*% b$var %*% D)) }))
# The matrix exponential: survival's multi-state Cox model
multi <- transform(long3, event = factor(to, c("cens", "1", "2"), c("cens", "PR", "RelDeath")), state = factor(from, 0:1, c("(s0)", "PR")))
multi <- cbind(multi, tcd = ebmt3$tcd[match(multi$id, ebmt3$id)], old = as.numeric(ebmt3$age[match(multi$id, ebmt3$id)] == ">40")); multi$cd <- as.numeric(multi$tcd == "TCD")
ms <- coxph(Surv(entry, exit, event) ~ old + cd, multi, id = id, istate = state, ties = "breslow", control = control)
sf <- survfit(ms, newdata = data.frame(old = 1, cd = 1)); pick <- sapply(c(100, 365, 1826), function(t) max(which(sf$time <= t)))
cases$exponential <- list(coef = unname(coef(ms)), se = unname(sqrt(diag(vcov(ms)))), states = sf$states, time = c(100, 365, 1826), probability = matrix(sf$pstate[pick, 1, ], 3))
# Markov tests: the score of the day of entry; log-rank tests after a landmark, from the formula (Mantel 1966)
score <- function(rows) { r <- rows[rows$from == "1", ]; r$day <- r$entry; coxph(Surv(entry, exit, to == "2") ~ day, r, control = control)$score }
titman <- function(rows, s) { there <- rows[rows$entry <= s & rows$exit > s, ]; r <- rows[rows$from == "1" & rows$exit > s & rows$id %in% there$id, ]
  ill <- there$from[match(r$id, there$id)] == "1"; r$entry <- pmax(r$entry, s); U <- V <- 0; dead <- r$to == "2"
  for (t in unique(r$exit[dead])) { y <- r$entry < t & r$exit >= t; n <- sum(y); m <- sum(y & ill); d <- sum(dead & r$exit == t)
    U <- U + sum(dead & ill & r$exit == t) - d * m / n; if (n > 1) V <- V + d * m / n * (1 - m / n) * (n - d) / (n - 1) }
  U^2 / V }
cases$markov <- list(score = c(score(long3), score(longm)), ebmt3 = sapply(c(30, 90), function(s) titman(long3, s)), mgus2 = sapply(c(60, 120), function(s) titman(longm, s)))
versions <- sapply(c("survival", "etm"), function(p) as.character(packageVersion(p)))
head <- list(R = R.version.string, versions = as.list(versions))
lines <- c(sapply(names(head), function(n) sprintf('"%s": %s', n, toJSON(head[[n]], auto_unbox = TRUE))),
           sapply(names(cases), function(n) sprintf('"%s": %s', n, toJSON(cases[[n]], digits = I(17), na = "null"))))
writeLines(c("{", paste0(lines, c(rep(",", length(lines) - 1), "")), "}"), "expected.json")
