# Golden figures of Fine and Gray's model: survival::finegray with coxph, and cmprsk::crr. Run in this folder; bmtcrr is
# read from the folder ../../../../shared/data, beside the checkout; aidssi, too, for want of the package mstate.
suppressMessages({library(survival); library(cmprsk); library(KMsurv); library(MASS); library(jsonlite)})
control <- coxph.control(eps = 1e-11, toler.inf = 1e-7, iter.max = 50)
shared <- function(name) read.csv(file.path("../../../../shared/data", paste0(name, ".csv")))
cases <- list()

# One Cox model of a finegray table, its sandwich clustered on the patient.
numbers <- function(f) list(names = names(coef(f)), coef = unname(coef(f)), robust = unname(sqrt(diag(f$var))),
  naive = unname(sqrt(diag(f$naive.var))), loglik = f$loglik)
both <- function(name, formula, fg, ...) for (ties in c("efron", "breslow")) cases[[paste0(name, "_", ties)]] <<-
  numbers(coxph(formula, fg, weights = fgwt, cluster = id, ties = ties, control = control, ...))
grey <- function(name, time, status, x, failcode = 1, ...) {
  f <- crr(time, status, x, failcode = failcode, gtol = 1e-14, ...)
  near <- f$coef
  for (digits in c(0, 1, 2)) if (!f$converged)  # its step control may stop 1e-8 short of the maximum, from where it starts
    f <- crr(time, status, x, failcode = failcode, gtol = 1e-14, init = round(near, digits), ...)
  cases[[paste0(name, "_crr")]] <<- list(names = names(f$coef), coef = unname(f$coef), robust = sqrt(diag(f$var)),
    naive = sqrt(diag(f$inv)), loglik = c(f$loglik.null, f$loglik), n = f$n)
  invisible(f) }
s <- Surv(fgstart, fgstop, fgstatus) ~ 1

for (name in c("bmtcrr", "bmtcrr_ties")) {
  b <- shared(name); b$id <- seq_len(nrow(b)); b$st <- factor(b$Status, 0:2, c("censored", "relapse", "trm"))
  b$Phase <- relevel(factor(b$Phase), "Relapse")
  both(name, update(s, ~ Sex + D + Phase + Source + Age), finegray(Surv(ftime, st) ~ ., b, etype = "relapse", id = id))
  grey(name, b$ftime, b$Status, model.matrix(~ Sex + D + Phase + Source + Age, b)[, -1])
}

a <- shared("aidssi"); a$id <- seq_len(nrow(a)); a$st <- factor(a$status, 0:2, c("censored", "AIDS", "SI"))
for (event in c("AIDS", "SI")) {
  both(paste0("aidssi_", event), update(s, ~ I(ccr5 == "WM")), finegray(Surv(time, st) ~ ., a, etype = event, id = id))
  known <- a[!is.na(a$ccr5) & a$ccr5 != "", ]
  grey(paste0("aidssi_", event), known$time, known$status, as.numeric(known$ccr5 == "WM"), match(event, c("AIDS", "SI")))
}

m <- survival::mgus2; m$time <- ifelse(m$pstat == 0, m$futime, m$ptime); m$code <- ifelse(m$pstat == 0, 2 * m$death, 1)
m$st <- factor(m$code, 0:2, c("censored", "pcm", "death"))
for (event in c("pcm", "death"))
  both(paste0("mgus2_", event), update(s, ~ age + sex + mspike), finegray(Surv(time, st) ~ ., m, etype = event, id = id))
known <- m[!is.na(m$mspike), ]
grey("mgus2", known$time, known$code, model.matrix(~ age + sex + mspike, known)[, -1])
grey("mgus2_groups", known$time, known$code, model.matrix(~ age + sex + mspike, known)[, -1], cengroup = known$sex)
by_sex <- finegray(Surv(time, st) ~ . + strata(sex), m, etype = "pcm", id = id)
# finegray with strata() keeps rows at the event times of their own stratum only: an unstratified model of it is wrong.
both("mgus2_strata", update(s, ~ age + mspike + strata(sex)), by_sex)
m$entry <- 12 * m$age; m$exit <- m$entry + m$time; late <- m[m$exit > m$entry, ]
both("mgus2_age_scale", update(s, ~ sex + mspike + hgb), finegray(Surv(entry, exit, st) ~ ., late, etype = "pcm", id = id))
both("mgus2_age_scale_strata", update(s, ~ mspike + hgb + strata(sex)),
     finegray(Surv(entry, exit, st) ~ . + strata(sex), late, etype = "pcm", id = id))

t <- survival::transplant; t$id <- seq_len(nrow(t)); 
t$code <- match(t$event, c("censored", "ltx", "death", "withdraw")) - 1; t$code[t$event == "censored"] <- 0
both("transplant", update(s, ~ age + abo + year), finegray(Surv(futime, event) ~ ., t, etype = "ltx", id = id))
# Weights of 2 as two rows: finegray(weights = ) itself leaves G unweighted.
doubled <- t[rep(t$id, 1 + t$id %% 2), ]; doubled$copy <- seq_len(nrow(doubled))
fg <- finegray(Surv(futime, event) ~ ., doubled, etype = "ltx", id = copy)
cases$transplant_doubled_breslow <- numbers(coxph(update(s, ~ age + abo + year), fg, weights = fgwt, cluster = id, ties = "breslow", control = control))
# crr does not centre; and at time 0 it takes G(0) for G(0-)
known <- t[!is.na(t$age) & t$futime > 0, ]; known$year <- known$year - 1995
grey("transplant", known$futime, known$code, model.matrix(~ age + abo + year, known)[, -1])

p <- MASS::Melanoma; p$id <- seq_len(nrow(p)); p$code <- c(1, 0, 2)[p$status]; p$st <- factor(p$code, 0:2)
fg <- finegray(Surv(time, st) ~ ., p, etype = "1", id = id)
both("melanoma", update(s, ~ sex + age + thickness + ulcer), fg)
f <- grey("melanoma", p$time, p$code, as.matrix(p[, c("sex", "age", "thickness", "ulcer")]))
patients <- data.frame(sex = c(0, 1), age = c(40, 65.5), thickness = c(1, 4.25), ulcer = c(0, 1)); days <- c(500, 1000, 3000)
curve <- predict(f, as.matrix(patients))
cases$melanoma_crr_incidence <- list(days = days, incidence = t(curve[findInterval(days, curve[, 1]), -1]))

data(bmt, package = "KMsurv"); k <- bmt; k$id <- seq_len(nrow(k)); k$g <- as.character(k$group)
k$code <- ifelse(k$d2 == 1, 1, 2 * k$d3); k$st <- factor(k$code, 0:2)
both("bmt", update(s, ~ g + z1 + z2 + z8), finegray(Surv(t2, st) ~ ., k, etype = "1", id = id))
fg <- finegray(Surv(t2, st) ~ ., k, etype = "1", id = id)
cases$bmt_cluster <- numbers(coxph(update(s, ~ g + z1 + z2), fg, weights = fgwt, cluster = z9, control = control))
grey("bmt", k$t2, k$code, model.matrix(~ g + z1 + z2 + z8, k)[, -1])
td <- tmerge(k[, c("id", "g", "z1")], k, id = id, st = event(t2, code)); td <- tmerge(td, k, id = id, dp = tdc(ifelse(dp == 1, tp, NA)))
td$st <- factor(td$st, 0:2)
both("bmt_start_stop", update(s, ~ g + z1 + dp), finegray(Surv(tstart, tstop, st) ~ ., td, etype = "1", id = id))

# The incidence of two patients, with ties: whole months. Its error is the infinitesimal jackknife of the weighted Cox
# model, one patient's weight moved by 1e-4 to either side.
k$month <- ceiling(k$t2 / 30.4375); fg <- finegray(Surv(month, st) ~ ., k, etype = "1", id = id)
both("bmt_months", update(s, ~ g + z1), fg)
grey("bmt_months", k$month, k$code, model.matrix(~ g + z1, k)[, -1])
patients <- data.frame(g = c("1", "2"), z1 = c(20, 35)); days <- c(3, 12, 24)
incidence <- function(ties, move, id) { fg$moved <- fg$fgwt * (1 + move * (fg$id == id))
  f <- coxph(Surv(fgstart, fgstop, fgstatus) ~ g + z1, fg, weights = moved, ties = ties, control = control)
  1 - t(summary(survfit(f, newdata = patients, se.fit = FALSE), times = days)$surv) }
for (ties in c("efron", "breslow")) {
  slope <- lapply(k$id, function(i) (incidence(ties, 1e-4, i) - incidence(ties, -1e-4, i)) / 2e-4)
  error <- function(of) sqrt(Reduce(`+`, lapply(slope, function(d) of(d)^2)))
  cases[[paste0("bmt_months_incidence_", ties)]] <- list(days = days, incidence = incidence(ties, 0, 1),
    std_error = error(identity), difference = error(function(d) d[2, ] - d[1, ])) }

versions <- sapply(c("survival", "cmprsk", "KMsurv", "MASS"), function(p) as.character(packageVersion(p)))
line <- function(name) paste0(toJSON(name, auto_unbox = TRUE), ": ", toJSON(cases[[name]], digits = I(17)))
writeLines(c("{", paste0("\"R\": ", toJSON(R.version.string, auto_unbox = TRUE), ","),
  paste0("\"versions\": ", toJSON(as.list(versions), auto_unbox = TRUE), ","),
  paste0(sapply(names(cases), line), c(rep(",", length(cases) - 1), "")), "}"), "expected.json")
