# Reference values for tests/reference/test_clone_censor_weight.py: run `Rscript make.R` in this folder to write
# expected.json. The clones by their rules, the hazard of starting by coxph, the probability by the end of grace by glm,
# rows split at every day on which something happens, weights not stabilised and not truncated, weighted coxph and
# survfit. The last case walks through ccwr's vignette (its weights are pooled logistic, its outcome model adjusted).
suppressMessages({library(survival); library(jsonlite)})
exact <- coxph.control(eps = 1e-11, iter.max = 50, timefix = FALSE); full <- glm.control(epsilon = 1e-14, maxit = 100)

# d: id, time, event, tr (Inf: never); z(id, t): the covariate that changes with time, from after each day of `changes`
weights <- function(d, g, terms, comparator, ties, horizon, z = NULL, changes = NULL) {
  if (is.finite(horizon)) { d$event[d$time > horizon] <- 0; d$time <- pmin(d$time, horizon) }
  start <- min(d$time, d$tr, 0) - 1; rhs <- paste(terms, collapse = "+")
  put <- function(s, before) { if (!is.null(z)) s$z <- z(s$id, before); s }
  cuts <- sort(unique(c(d$time[d$event == 1], d$tr[is.finite(d$tr)], g, changes)))
  # the arm that must not start
  last <- if (comparator == "never") d$tr else ifelse(d$tr <= g, d$tr, Inf)
  n <- d; n$art <- as.integer(last < d$time | (last == d$time & d$event == 0)); n$ev <- ifelse(last < d$time, 0, d$event); n$ft <- pmin(d$time, last)
  s <- survSplit(Surv(start, ft, end) ~ ., transform(n, start = start, end = 1), cut = cuts, start = "start")
  s$ft <- s$ft; final <- s$end == 1; s$ev <- ifelse(final, s$ev, 0); s$art <- ifelse(final, s$art, 0); s <- put(s, s$ft)
  f <- coxph(as.formula(paste("Surv(start, ft, art) ~", rhs)), s, ties = ties, control = exact)
  b <- basehaz(f, centered = FALSE); b <- b[b$time %in% s$ft[s$art == 1], ]; jump <- diff(c(0, b$hazard))
  lp <- drop(model.matrix(as.formula(paste("~", rhs)), s)[, -1, drop = FALSE] %*% coef(f))
  gain <- ifelse(is.na(match(s$ft, b$time)), 0, jump[match(s$ft, b$time)]) * exp(lp)
  s$w <- exp(ave(gain, s$id, FUN = cumsum) - gain)
  # without covariates: the Nelson-Aalen hazard of starting, and the share that has started by the end of grace
  at <- sort(unique(s$ft[s$art == 1])); jump <- sapply(at, function(day) sum(s$art[s$ft == day]) / sum(s$start < day & s$ft >= day))
  gain <- ifelse(is.na(match(s$ft, at)), 0, jump[match(s$ft, at)]); s$cw <- exp(ave(gain, s$id, FUN = cumsum) - gain)
  # the arm that must start
  t <- d; out <- d$tr > g & d$time > g; t$ft <- ifelse(out, g, d$time); t$ev <- ifelse(out, 0, d$event)
  r <- put(d[d$time > g, ], pmin(d$tr, g)[d$time > g]); r$y <- as.integer(r$tr <= g)
  m <- glm(as.formula(paste("y ~", rhs)), binomial, r, control = full)
  u <- survSplit(Surv(start, ft, ev) ~ ., transform(t, start = start), cut = cuts, start = "start")
  p <- setNames(fitted(m), r$id); u$w <- ifelse(u$start >= g, 1 / p[as.character(u$id)], 1); u$cw <- ifelse(u$start >= g, 1 / mean(r$y), 1)
  list(long = rbind(data.frame(s[, c("id", "start", "ft", "ev", "w", "cw")], arm = 0), data.frame(u[, c("id", "start", "ft", "ev", "w", "cw")], arm = 1)),
       hazard = coef(f), odds = coef(m))
}
leaving <- function(long, a) { l <- long[long$arm == a, ]; l <- l[order(l$id, l$ft), ]; l$w[!duplicated(l$id, fromLast = TRUE)] }
case <- function(d, g, terms, comparator = "never", ties = "efron", horizon, ...) {
  w <- weights(d, g, terms, comparator, ties, horizon, ...); long <- w$long
  f <- coxph(Surv(start, ft, ev) ~ arm + cluster(id), long, weights = w, ties = ties, control = exact)
  crude <- coxph(Surv(start, ft, ev) ~ arm + cluster(id), long, weights = cw, ties = ties, control = exact)
  km <- lapply(1:0, function(a) survfit(Surv(start, ft, ev) ~ 1, long[long$arm == a, ], weights = w, timefix = FALSE))
  area <- function(k) { x <- k$time > 0 & k$time < horizon & k$n.event > 0; at <- c(0, k$time[x], horizon); y <- summary(k, times = at[-length(at)])$surv; sum(diff(at) * y) }
  list(hazard = I(unname(w$hazard)), odds = I(unname(w$odds)), log_hr = unname(coef(f)), se = sqrt(f$var[1, 1]), crude = unname(coef(crude)), crude_se = sqrt(crude$var[1, 1]),
       risk = I(sapply(km, function(k) 1 - summary(k, times = horizon)$surv)), rmst = I(sapply(km, area)),
       leave_treat = I(leaving(long, 1)), leave_none = I(leaving(long, 0)))
}
j <- survival::jasa
jasa <- data.frame(id = seq_len(nrow(j)), time = j$futime, event = j$fustat, tr = ifelse(is.na(j$wait.time), Inf, j$wait.time), age = j$age, surgery = j$surgery)
later <- function(id, day) (id %% 3) * (day > 14)
n <- read.csv("../../../../shared/data/ccw_null.csv")[1:500, ]; null <- data.frame(id = n$id, time = n$time, event = n$event, tr = ifelse(is.na(n$trt), Inf, n$trt), x = n$x)
short <- function(x) { x$leave_treat <- I(quantile(x$leave_treat, 0:4 / 4, names = FALSE)); x$leave_none <- I(quantile(x$leave_none, 0:4 / 4, names = FALSE)); x }

# ccwr 0.1's vignette: rows split wherever a follow-up ends in either arm, P(censored in a row) by logistic regression on
# its start, age and sex, weight 1 / prod of (1 - P) over the earlier rows, coxph with age and sex beside the arm
lung <- function() {
  d <- read.csv("../../../../shared/data/lungcancer_ccw.csv"); g <- 182.62; tr <- ifelse(d$surgery == 1, d$timetosurgery, Inf)
  a0 <- transform(d, fup = pmin(fup_obs, ifelse(tr <= g, tr, Inf)), art = as.integer(tr <= g), out = ifelse(tr <= g, 0, death), arm = 0)
  dev <- tr > g & (d$fup_obs > g | d$surgery == 1)
  a1 <- transform(d, fup = ifelse(dev, g, fup_obs), art = as.integer(dev), out = ifelse(dev, 0, death), arm = 1)
  both <- list(a0, a1); cuts <- sort(unique(c(a0$fup, a1$fup)))
  one <- function(x, weigh) { s <- survSplit(Surv(fup, out) ~ ., x, cut = cuts); s$ev <- s$out; s$art <- survSplit(Surv(fup, art) ~ ., x, cut = cuts)$art; s$w <- weigh(s); s }
  pooled <- function(s) { p <- 1 - fitted(glm(art ~ tstart + age + sex, binomial, s, control = full)); 1 / ave(p, s$id, FUN = function(v) c(1, cumprod(v[-length(v)]))) }
  hazard <- function(s) { f <- coxph(Surv(tstart, fup, art) ~ age + sex, s, control = exact); b <- basehaz(f, centered = FALSE)
    exp(c(0, b$hazard)[findInterval(s$tstart, b$time) + 1] * exp(drop(as.matrix(s[, c("age", "sex")]) %*% coef(f)))) }
  ratio <- function(weigh, formula) { long <- do.call(rbind, lapply(both, one, weigh)); c(exp(coef(coxph(formula, long, weights = w, control = exact))[["arm"]]), nrow(long)) }
  plain <- Surv(tstart, fup, ev) ~ arm; adjusted <- Surv(tstart, fup, ev) ~ arm + age + sex
  list(pooled_adjusted = I(ratio(pooled, adjusted)), pooled = ratio(pooled, plain)[1], cox_adjusted = ratio(hazard, adjusted)[1], cox = ratio(hazard, plain)[1])
}
l <- read.csv("../../../../shared/data/lungcancer_ccw.csv"); own <- data.frame(id = rank(l$id), time = l$fup_obs, event = l$death, tr = ifelse(l$surgery == 1, l$timetosurgery, Inf), age = l$age, sex = l$sex)
all <- list(
  jasa = case(jasa, 30, c("age", "surgery"), horizon = 365),
  jasa_within_grace_breslow = case(jasa, 30, c("age", "surgery"), "within_grace", "breslow", 365),
  jasa_time_varying = case(jasa, 30, c("age", "z"), horizon = 365, z = later, changes = 14),
  null = short(case(null, 6, "x", horizon = 18)),
  lung_own = case(own[order(own$id), ], 182.62, c("age", "sex"), "within_grace", horizon = 365),
  lung = lung()
)
packages <- c("survival", "jsonlite"); versions <- as.list(sapply(packages, function(p) as.character(packageVersion(p))))
lines <- mapply(function(n, x) paste0(toJSON(n, auto_unbox = TRUE), ": ", toJSON(x, digits = 17, auto_unbox = TRUE)), names(all), all)
head <- toJSON(c(list(R = R.version.string), versions), auto_unbox = TRUE)
writeLines(c(paste0('{"versions": ', head, ', "cases": {'), paste(lines, collapse = ",\n"), "}}"), "expected.json")
