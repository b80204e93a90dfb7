# Reference numbers for restricted means and milestones. Rscript make.R DIRECTORY, which holds rmst2sample.csv
suppressPackageStartupMessages({library(survival); library(KMsurv); library(jsonlite)})
sample <- read.csv(file.path(commandArgs(TRUE)[1], "rmst2sample.csv"))
data(bmt); data(channing)
bmt$id <- seq_len(nrow(bmt)); bmt$event <- factor(with(bmt, ifelse(d2 == 1, 1, ifelse(d3 == 1, 2, 0))), 0:2)
bmt$entry <- ifelse(bmt$id %% 3 == 0, pmin(30, bmt$t2 / 2), 0); bmt$w <- 1 + bmt$id %% 4 / 2
transplant <- subset(transplant, futime > 0); transplant$id <- seq_len(nrow(transplant))
means <- function(fit, tau) { m <- summary(fit, rmean = tau)$table
  m <- if (is.matrix(m)) m else t(as.matrix(m)); list(mean = unname(m[, "rmean"]), se = unname(m[, grep("^(\\*)?se\\(rmean\\)", colnames(m))])) }
# survival prints no standard error of a mean time in a state before 3.6: here it is the infinitesimal jackknife, the
# influence of each patient on the curve integrated over time.
states <- function(fit, tau, weights = 1) { keep <- fit$time < tau; width <- diff(c(fit$time[keep], tau)); all <- fit$influence.pstate
  area <- sapply(seq_along(fit$states), function(k) as.vector(all[, 1 + which(keep), k] %*% width))
  at <- sapply(seq_along(fit$states), function(k) sqrt(sum((weights * all[, 1 + sum(keep), k])^2)))
  list(mean = unname(summary(fit, rmean = tau)$table[, "rmean"]), se = sqrt(colSums((weights * area)^2)), se_at_end = at, std_err = unname(fit$std.err[sum(keep), ])) }
at <- function(fit, times) { s <- summary(fit, times = times); list(estimate = s$surv, se = s$std.err) }
state_at <- function(fit, times) { s <- summary(fit, times = times); list(estimate = unname(s$pstate), se = unname(s$std.err)) }
two <- function(m) { d <- diff(m$mean); e <- sqrt(sum(m$se^2)); z <- qnorm(.975); r <- m$mean[2] / m$mean[1]; l <- sqrt(sum((m$se / m$mean)^2))
  list(difference = c(d, e, d - z * e, d + z * e, 2 * pnorm(-abs(d) / e)), ratio = c(r, r * exp(-z * l), r * exp(z * l), 2 * pnorm(-abs(log(r)) / l))) }
cases <- list(
  lung_1000 = means(survfit(Surv(time, status) ~ 1, lung), 1000),
  lung_by_sex_700 = means(survfit(Surv(time, status) ~ sex, lung), 700),
  sample_10 = means(survfit(Surv(time, status) ~ arm, sample), 10),
  sample_10_compared = two(means(survfit(Surv(time, status) ~ arm, sample), 10)),
  lung_weighted_900 = means(survfit(Surv(time, status) ~ 1, lung, weights = 1 + seq_len(nrow(lung)) %% 3), 900),
  heart_1000 = means(survfit(Surv(start, stop, event) ~ transplant, heart), 1000),
  channing_female_1000 = means(survfit(Surv(ageentry, age, death) ~ 1, subset(channing, gender == 2 & age > ageentry)), 1000),
  bmt_states_1000 = states(survfit(Surv(t2, event) ~ 1, bmt, id = id, influence = TRUE), 1000),
  bmt_states_entry_1000 = states(survfit(Surv(entry, t2, event) ~ 1, bmt, id = id, influence = TRUE), 1000),
  bmt_states_weighted_1000 = states(survfit(Surv(t2, event) ~ 1, bmt, id = id, weights = w, influence = TRUE), 1000, bmt$w),
  transplant_states_800 = states(survfit(Surv(futime, event) ~ 1, transplant, id = id, influence = TRUE), 800),
  sample_at = at(survfit(Surv(time, status) ~ arm, sample), c(2, 5, 8)),
  bmt_at = state_at(survfit(Surv(t2, event) ~ group, bmt, id = id), c(200, 500, 1000)))
versions <- sapply(c("survival", "KMsurv"), function(p) as.character(packageVersion(p)))
line <- function(name) paste0(toJSON(name, auto_unbox = TRUE), ": ", toJSON(cases[[name]], digits = I(17)))
cat(paste0("{\"R\": ", toJSON(R.version.string, auto_unbox = TRUE), ",\n\"versions\": ", toJSON(as.list(versions), auto_unbox = TRUE),
  ",\n", paste(sapply(names(cases), line), collapse = ",\n"), "}\n"), file = "expected.json")
