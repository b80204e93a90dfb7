# Reference numbers for whole reports of comparisons of strategies. Rscript make.R
suppressPackageStartupMessages({library(survival); library(KMsurv); library(jsonlite)})
exact <- coxph.control(eps = 1e-11, iter.max = 50)
data(bmt); jasa <- survival::jasa
bmt$id <- seq_len(nrow(bmt)); bmt$group <- factor(bmt$group, c(2, 1, 3)); jasa$id <- seq_len(nrow(jasa))
day <- function(given, when) ifelse(given == 1, when, NA)
bmt <- transform(bmt, agvhd = day(da, ta), cgvhd = day(dc, tc), platelet_engraftment = day(dp, tp), time = t2, status = d3)
# The demos: ages of the heart patients have two decimals; KM bmt has only dated events: disease-free survival ends with the relapse or the death, and what follows the end of
# follow-up is no event.
demo <- transform(bmt, time = ifelse(d2 == 1, t2, t1), cgvhd = ifelse(!is.na(cgvhd) & cgvhd <= t1, cgvhd, NA))
overall <- transform(demo, time = t1, status = d1)
heart <- transform(jasa, time = futime, status = fustat, transplant = wait.time)

fit <- function(formula, data, ...) { f <- coxph(formula, data, control = exact, ...); s <- coef(summary(f))
  list(estimate = unname(s["tx", "coef"]), se = unname(s["tx", "se(coef)"])) }
# Day 0 is a time like any other: who dies on it was at risk then, and a treatment on it counts after it.
later <- function(t) ifelse(t == 0, .25, t)
timed <- function(d, name, shift = 0) { d$when <- later(d[[name]]) + shift; d$until <- later(d$time)
  td <- tmerge(d, d, id = id, event = event(until, status)); tmerge(td, d, id = id, tx = tdc(when)) }
ever <- function(d, name) transform(d, tx = as.integer(!is.na(d[[name]])))
from <- function(d, name, at) { d <- d[d$time > at, ]; transform(d, tx = as.integer(!is.na(d[[name]]) & d[[name]] <= at)) }
whole <- Surv(time, status) ~ tx; split <- Surv(tstart, tstop, event) ~ tx
risks <- function(d, at, horizon) lapply(c(no_treat = 0, treat = 1), function(arm) { a <- d[d$tx == arm, ]
  s <- summary(survfit(Surv(time, status) ~ 1, a), times = horizon)
  r <- summary(survfit(Surv(time - at, status) ~ 1, a), rmean = horizon - at)$table
  list(n = nrow(a), events = sum(a$status), risk = 1 - s$surv, risk_se = s$std.err, rmst = unname(r["rmean"]), rmst_se = unname(r["se(rmean)"])) })
landmark <- function(d, name, at, horizon, adjusted) { a <- from(d, name, at)
  list(plain = fit(whole, a), adjusted = fit(update(whole, adjusted), a), arms = risks(a, at, horizon),
       lost = sum(d$time <= at), lost_events = sum(d$status[d$time <= at])) }
immortal <- function(d, name) { t <- d[[name]]; seen <- !is.na(t) & (t < d$time | (t == d$time & d$status == 0))
  days <- ifelse(is.na(t), d$time, pmin(t, d$time)); before <- d$status == 1 & (is.na(t) | t >= d$time)
  list(n = sum(seen), days = sum(t[seen]), events = sum(before), rate = sum(before) / sum(days), expected = sum(t[seen]) * sum(before) / sum(days)) }
study <- function(d, name, landmarks, horizon, adjusted) { td <- timed(d, name); e <- ever(d, name)
  score <- coxph(split, td, ties = "exact", control = exact)$score
  list(naive = list(plain = fit(whole, e), adjusted = fit(update(whole, adjusted), e), arms = risks(e, 0, horizon)),
       time_dependent = list(plain = fit(split, td), adjusted = fit(update(split, adjusted), td), mantel_byar = unname(score)),
       landmarks = setNames(lapply(landmarks, function(at) landmark(d, name, at, horizon, adjusted)), landmarks),
       immortal = immortal(d, name)) }
rows <- function(shift) lapply(c(agvhd = "agvhd", cgvhd = "cgvhd", platelet_engraftment = "platelet_engraftment"), function(name)
  fit(update(split, ~ . + group), timed(bmt, name, shift), ties = "breslow"))

cases <- list(
  bmt_dfs = study(bmt, "cgvhd", c(100, 180), 730, ~ . + group),
  demo_dfs = study(demo, "cgvhd", c(100, 180), 730, ~ . + group),
  demo_os = study(overall, "cgvhd", c(100, 180), 730, ~ . + group),
  heart = study(heart, "transplant", c(30, 60), 365, ~ . + age + surgery),
  demo_heart = study(transform(heart, age = round(age, 2)), "transplant", c(30, 60), 365, ~ . + age + surgery),
  at = rows(-.5), after = rows(0),
  platelets = list(naive = fit(whole, ever(bmt, "platelet_engraftment")),
                   landmark = fit(update(whole, ~ . + group), from(bmt, "platelet_engraftment", 56))))
versions <- sapply(c("survival", "KMsurv"), function(p) as.character(packageVersion(p)))
line <- function(name) paste0(toJSON(name, auto_unbox = TRUE), ": ", toJSON(cases[[name]], digits = I(17), auto_unbox = TRUE))
cat(paste0("{\"R\": ", toJSON(R.version.string, auto_unbox = TRUE), ",\n\"versions\": ", toJSON(as.list(versions), auto_unbox = TRUE),
  ",\n", paste(sapply(names(cases), line), collapse = ",\n"), "}\n"), file = "expected.json")
