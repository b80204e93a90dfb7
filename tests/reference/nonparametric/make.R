# Reference numbers for Kaplan-Meier, cumulative incidence, state probabilities, medians and follow-up.
# Rscript make.R EBMT3.csv   (the table ebmt3 of the package mstate, as a csv file)
suppressPackageStartupMessages({library(survival); library(etm); library(KMsurv); library(MASS); library(jsonlite)})
ebmt3 <- read.csv(commandArgs(TRUE)[1])
types <- c("log-log", "log", "plain", "logit", "arcsin")
here <- function(fit) { # about twelve event times with 0 < S < 1
  s <- summary(fit); keep <- which(s$surv > 0 & s$surv < 1)
  s$time[keep[unique(round(seq(1, length(keep), length.out = min(12, length(keep)))))]]
}
medians <- function(fit) unname(unlist(quantile(fit, .5)))
printed <- function(fit) unname(summary(fit)$table[c("median", "0.95LCL", "0.95UCL")])
km <- function(formula, data, weights = rep(1, nrow(data))) {
  data$w <- weights; fit <- survfit(formula, data, weights = w); times <- here(fit)
  out <- list(time = times, estimate = summary(fit, times = times)$surv, std_error = summary(fit, times = times)$std.err,
              n_at_risk = summary(fit, times = times)$n.risk)
  for (type in types) {
    fit <- survfit(formula, data, weights = w, conf.type = type); s <- summary(fit, times = times)
    out[[type]] <- list(lower = s$lower, upper = s$upper, median = medians(fit), printed = printed(fit))
  }
  out
}
data(bmt); data(channing); data(larynx)
men <- subset(channing, gender == 1 & ageentry < age)
kaplan_meier <- list(
  lung = km(Surv(time, status) ~ 1, lung), veteran = km(Surv(time, status) ~ 1, veteran),
  aml = km(Surv(time, status) ~ 1, aml), bmt = km(Surv(t2, d3) ~ 1, bmt), larynx = km(Surv(time, delta) ~ 1, larynx),
  gehan_6mp = km(Surv(time, cens) ~ 1, subset(gehan, treat == "6-MP")),
  colon = km(Surv(time, status) ~ 1, subset(colon, etype == 2)), heart = km(Surv(start, stop, event) ~ 1, heart),
  channing_men_from_960 = km(Surv(pmax(ageentry, 960), age, death) ~ 1, subset(men, age > 960)),
  lung_weighted = km(Surv(time, status) ~ 1, lung, weights = 1 + seq_len(nrow(lung)) %% 3),
  midpoint = km(Surv(1:4, rep(1, 4)) ~ 1, data.frame(x = 1:4)),
  flat_to_the_end = km(Surv(1:4, c(1, 1, 0, 0)) ~ 1, data.frame(x = 1:4)))
channing <- summary(survfit(Surv(ageentry, age, death) ~ 1, men))
# Aalen's and Tsiatis's variance: S times the standard error of the Nelson-Aalen cumulative hazard
aalen <- summary(survfit(Surv(time, status) ~ 1, lung, stype = 1, ctype = 1), times = c(30, 365, 800))
reverse <- lapply(setNames(types, types), function(type)
  medians(survfit(Surv(time, status == 1) ~ 1, lung, conf.type = type)))
follow_up_bmt <- medians(survfit(Surv(t1, 1 - d1) ~ 1, bmt, conf.type = "log-log"))

competing <- function(time, status, entry = NULL, times) { # etm: estimate and Greenwood-type variance
  states <- c("0", as.character(sort(setdiff(unique(status), 0)))); k <- length(states)
  tra <- matrix(FALSE, k, k, dimnames = list(states, states)); tra[1, -1] <- TRUE
  data <- data.frame(id = seq_along(time), from = "0", to = ifelse(status == 0, "cens", as.character(status)), time = time)
  if (!is.null(entry)) { data$entry <- entry; data$exit <- time; data$time <- NULL }
  curve(etm(data, states, tra, "cens", 0), states, times)
}
curve <- function(fit, states, times, shift = 0) {
  at <- sapply(times, function(t) max(which(fit$time <= t + shift)))
  index <- paste("0", states)
  list(time = times, probability = t(sapply(at, function(i) fit$est[1, , i])),
       std_error = t(sapply(at, function(i) sqrt(diag(fit$cov[index, index, i])))))
}
mgus2$etime <- with(mgus2, ifelse(pstat == 0, futime, ptime)); mgus2$event <- with(mgus2, ifelse(pstat == 0, 2 * death, 1))
bmt$event <- with(bmt, ifelse(d2 == 1, 1, ifelse(d3 == 1, 2, 0)))
cif_limits <- function(type) {
  s <- summary(survfit(Surv(etime, factor(event)) ~ 1, mgus2, conf.type = type), times = c(60, 120, 240))
  list(estimate = s$pstate, std_error = s$std.err, lower = s$lower, upper = s$upper)
}
cif <- list(
  mgus2 = competing(mgus2$etime, mgus2$event, times = c(12, 60, 120, 240)),
  mgus2_by_age = with(subset(mgus2, etime > 0 & age >= 60), # months of age, so that patients enter late
    competing(age * 12 + etime, event, entry = age * 12, times = c(800, 900, 1000, 1080))),
  bmt = competing(bmt$t2, bmt$event, times = c(100, 365, 730, 1000)))
illness_death <- function(d, times) { # columns: id, t1 and s1 of the illness, t2 and s2 of death; one day later, so that day 0 counts
  ill <- d$s1 == 1 & d$t1 < d$t2
  first <- with(d, data.frame(id, from = "0", to = ifelse(ill, "1", ifelse(s2 == 1, "2", "cens")), entry = 0, exit = ifelse(ill, t1, t2) + 1))
  second <- with(d[ill, ], data.frame(id, from = "1", to = ifelse(s2 == 1, "2", "cens"), entry = t1 + 1, exit = t2 + 1))
  data <- rbind(first, second); data <- data[order(data$id, data$entry), ]
  tra <- matrix(FALSE, 3, 3, dimnames = rep(list(c("0", "1", "2")), 2)); tra[1, 2:3] <- tra[2, 3] <- TRUE
  curve(etm(data, c("0", "1", "2"), tra, "cens", 0), c("0", "1", "2"), times, shift = 1)
}
illness <- list(
  ebmt3 = illness_death(with(ebmt3, data.frame(id, t1 = prtime, s1 = prstat, t2 = rfstime, s2 = rfsstat)), c(30, 100, 365.25, 1000, 2000)),
  bmt_platelets = illness_death(with(bmt, data.frame(id = seq_along(t2), t1 = tp, s1 = dp, t2 = t2, s2 = d3)), c(20, 56, 100, 365, 1000)),
  mgus2 = illness_death(with(mgus2, data.frame(id, t1 = ptime, s1 = pstat, t2 = futime, s2 = death)), c(12, 60, 120, 240)))
versions <- sapply(c("survival", "etm", "KMsurv", "MASS"), function(p) as.character(packageVersion(p)))
write_json(list(R = R.version.string, versions = as.list(versions), kaplan_meier = kaplan_meier,
  channing_men = list(time = channing$time[1:5], estimate = channing$surv[1:5]),
  aalen = list(time = aalen$time, estimate = aalen$surv, std_error = aalen$surv * aalen$std.chaz), reverse = reverse,
  follow_up_bmt = follow_up_bmt, cif = cif,
  cif_limits = list("log-log" = cif_limits("log-log"), log = cif_limits("log")), illness_death = illness),
  "expected.json", digits = 17, auto_unbox = TRUE, na = "null", pretty = FALSE)
