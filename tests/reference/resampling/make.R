# Reference numbers for bootstrap limits, the jackknife and pseudo-observations. Rscript make.R
suppressPackageStartupMessages({library(survival); library(KMsurv); library(boot); library(jsonlite)})
data(bmt, package = "KMsurv")
aml <- survival::aml; bmt$id <- seq_len(nrow(bmt))
bmt$event <- factor(with(bmt, ifelse(d2 == 1, 1, ifelse(d3 == 1, 2, 0))), 0:2)
bmt$entry <- ifelse(bmt$id %% 3 == 0, pmin(30, bmt$t2 / 2), 0)
# Limits of boot.ci from one set of resamples; the jackknife goes in by name, as empirical influence values
limits <- function(x, R, level) { set.seed(R); ratio <- function(d, i) mean(d[i, 1]) / mean(d[i, 2]); b <- boot(x, ratio, R = R)
  left_out <- sapply(seq_len(nrow(x)), function(i) ratio(x[-i, ], seq_len(nrow(x) - 1))); l <- mean(left_out) - left_out
  ci <- function(type, name) suppressWarnings(as.vector(tail(boot.ci(b, conf = level, type = type, L = l)[[name]][1, ], 2)))
  list(level = level, estimate = b$t0, replicates = as.vector(b$t), left_out = left_out, percentile = ci("perc", "percent"),
    basic = ci("basic", "basic"), normal = ci("norm", "normal"), bca = ci("bca", "bca")) }
# The jackknife of Cox models: every patient left out in turn
control <- coxph.control(eps = 1e-11, iter.max = 50)
left_out <- function(ties) { f <- function(d) coef(coxph(Surv(t2, d3) ~ z1 + z2, d, ties = ties, control = control))
  all <- t(sapply(seq_len(nrow(bmt)), function(i) f(bmt[-i, ]))); n <- nrow(bmt)
  list(coefficients = unname(all[1:6, ]), std_error = unname(apply(all, 2, function(v) sqrt((n - 1) / n * sum((v - mean(v))^2))))) }
# Pseudo-observations: survival::pseudo (infinitesimal jackknife), and n theta - (n - 1) theta_(-i) by refitting
alone <- function(fit, d, keep) { n <- length(unique(d$id)); whole <- fit(d)
  lapply(keep, function(i) n * whole - (n - 1) * fit(d[d$id != i, ])) }
two <- function(f, times, keep, type) { p <- pseudo(f, times = times, type = type); d <- dim(p)
  lapply(keep, function(i) if (length(d) == 3) unname(t(p[i, , ])) else unname(as.matrix(p)[i, ])) }
state_at <- function(formula, times) function(d) unname(summary(survfit(formula, d, id = id), times = times)$pstate)
survival_at <- function(formula, times) function(d) summary(survfit(formula, d), times = times, extend = TRUE)$surv
mean_to <- function(formula, tau) function(d) { f <- survfit(formula, d, id = id); t <- f$time[f$time < tau]
  drop(diff(c(0, t, tau)) %*% rbind(if (is.null(f$p0)) c(1, 0, 0) else f$p0, f$pstate[seq_along(t), , drop = FALSE])) }
mgus2$ill <- with(mgus2, ifelse(pstat == 1 & ptime == futime, ptime - .1, ptime))
first <- with(mgus2, data.frame(id, entry = 0, exit = ifelse(pstat == 1, ill, futime), to = ifelse(pstat == 1, 1, 2 * death), from = 0))
second <- with(subset(mgus2, pstat == 1), data.frame(id, entry = ill, exit = futime, to = 2 * death, from = 1))
walk <- rbind(first, second); walk <- walk[order(walk$id, walk$entry), ]
walk$to <- factor(walk$to, 0:2, c("cens", "PCM", "dead")); walk$from <- factor(walk$from, 0:1, c("MGUS", "PCM"))
# Where patients have several rows pseudo() of survival 3.5-3 is far from n theta - (n - 1) theta_(-i) (first patient, 60
# months: .0257 and -.0018), so there theta + n times the influence that survfit itself returns stands for it.
from_influence <- function(f, times, keep) { at <- findInterval(times, f$time); n <- dim(f$influence.pstate)[1]
  lapply(keep, function(i) unname(t(f$pstate[at, ] + n * f$influence.pstate[i, at + 1, ]))) }
months <- c(60, 120, 240); some <- c(1, 2, 5, 20, 100, 137); walkers <- c(1, 3, 24, 78, 500, 1384)
aml$id <- seq_len(nrow(aml)); year <- c(100, 365, 1000)
km <- Surv(time, status) ~ 1; cr <- Surv(t2, event) ~ 1; late <- Surv(entry, t2, event) ~ 1; multi <- Surv(entry, exit, to) ~ 1
cases <- list(
  limits_199 = limits(as.matrix(subset(lung, !is.na(ph.karno) & !is.na(age), c(age, ph.karno))[1:40, ]), 199, .9),
  limits_120 = limits(as.matrix(lung[1:25, c("time", "age")]), 120, .95),
  cox_efron = left_out("efron"), cox_breslow = left_out("breslow"),
  aml_infinitesimal = two(survfit(km, aml), c(10, 20, 45), 1:23, "survival"),
  aml_left_out = alone(survival_at(km, c(10, 20, 45)), aml, 1:23),
  aml_mean_infinitesimal = two(survfit(km, aml), 40, 1:23, "rmst"),
  bmt_infinitesimal = two(survfit(cr, bmt, id = id), year, some, "pstate"),
  bmt_left_out = alone(state_at(cr, year), bmt, some),
  bmt_mean_infinitesimal = two(survfit(cr, bmt, id = id), c(500, 1000), some, "sojourn"),
  bmt_mean_left_out = alone(mean_to(cr, 1000), bmt, some),
  late_infinitesimal = two(survfit(late, bmt, id = id), year, some, "pstate"),
  late_left_out = alone(state_at(late, year), bmt, some),
  mgus2_infinitesimal = from_influence(survfit(multi, walk, id = id, influence = TRUE), months, walkers),
  mgus2_left_out = alone(state_at(multi, months), walk, walkers))
versions <- sapply(c("survival", "KMsurv", "boot"), function(p) as.character(packageVersion(p)))
line <- function(name) paste0(toJSON(name, auto_unbox = TRUE), ": ", toJSON(cases[[name]], auto_unbox = TRUE, digits = I(17)))
cat(paste0("{\"R\": ", toJSON(R.version.string, auto_unbox = TRUE), ",\n\"versions\": ", toJSON(as.list(versions), auto_unbox = TRUE),
  ",\n", paste(sapply(names(cases), line), collapse = ",\n"), "}\n"), file = "expected.json")
