# Reference numbers for curves of weighted patients with robust standard errors. Rscript make.R
suppressPackageStartupMessages({library(survival); library(KMsurv); library(jsonlite)})
data(bmt)
lung$id <- seq_len(nrow(lung)); lung$w <- 0.5 + lung$id %% 7 / 3; lung$pair <- (lung$id - 1) %/% 2
bmt$id <- seq_len(nrow(bmt)); bmt$event <- factor(with(bmt, ifelse(d2 == 1, 1, ifelse(d3 == 1, 2, 0))), 0:2)
bmt$w <- 0.5 + bmt$id %% 4 / 3; bmt$entry <- ifelse(bmt$id %% 3 == 0, pmin(30, bmt$t2 / 2), 0)
heart$w <- 0.5 + seq_len(nrow(heart)) %% 5 / 2  # weights of one patient's rows differ
curve <- function(fit, times) { s <- summary(fit, times = times, extend = TRUE); list(estimate = s$surv, se = s$std.err) }
states <- function(fit, times) { s <- summary(fit, times = times); list(estimate = unname(s$pstate), se = unname(s$std.err)) }
cases <- list(
  lung = curve(survfit(Surv(time, status) ~ 1, lung, weights = w, cluster = id), c(100, 365, 700)),
  lung_by_sex = curve(survfit(Surv(time, status) ~ sex, lung, weights = w, cluster = id), c(100, 365, 700)),
  lung_pairs = curve(survfit(Surv(time, status) ~ 1, lung, weights = w, cluster = pair), c(100, 365, 700)),
  heart_rows = curve(survfit(Surv(start, stop, event) ~ 1, heart, weights = w, id = id, robust = TRUE), c(10, 100, 500, 1000)),
  bmt_states = states(survfit(Surv(t2, event) ~ 1, bmt, weights = w, id = id), c(100, 500, 1000)),
  bmt_states_entry = states(survfit(Surv(entry, t2, event) ~ 1, bmt, weights = w, id = id), c(100, 500, 1000)))
line <- function(name) paste0(toJSON(name, auto_unbox = TRUE), ": ", toJSON(cases[[name]], digits = I(17)))
versions <- sapply(c("survival", "KMsurv"), function(p) as.character(packageVersion(p)))
cat(paste0("{\"R\": ", toJSON(R.version.string, auto_unbox = TRUE), ",\n\"versions\": ", toJSON(as.list(versions), auto_unbox = TRUE),
  ",\n", paste(sapply(names(cases), line), collapse = ",\n"), "}\n"), file = "expected.json")
