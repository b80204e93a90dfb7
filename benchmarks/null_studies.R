# The methods of null_studies.py in R: Rscript null_studies.R STUDIES.csv RESAMPLED RESAMPLES. Prints one line a study,
# method and p-value; for intervals 0 where the interval leaves 1 out, and 1 where it does not.
suppressMessages(library(survival))
arguments <- commandArgs(TRUE)
d <- read.csv(arguments[1]); resampled <- as.integer(arguments[2]); resamples <- as.integer(arguments[3])
d$day[is.na(d$day)] <- Inf
set.seed(1)
control <- coxph.control(eps = 1e-11, iter.max = 50)

wald <- function(formula, data) {
  if (length(unique(data$a)) < 2 || !any(data$ev == 1)) return(NA)
  table <- suppressWarnings(summary(coxph(formula, data, control = control)))$coefficients
  unname(table["a", ncol(table)])
}
naive <- function(s) wald(Surv(time, ev) ~ a, transform(s, a = as.integer(is.finite(day))))
landmark <- function(s) {
  s <- s[s$time > 90, ]
  wald(Surv(time, ev) ~ a, transform(s, a = as.integer(day <= 90)))
}
switching <- function(s) {
  before <- transform(s, start = 0, stop = pmin(time, day), a = 0, ev = ifelse(day < time, 0, ev))
  after <- transform(s[s$day < s$time, ], start = day, stop = time, a = rep(1, sum(s$day < s$time)))
  rbind(before, after)
}
mantel_byar <- function(rows) {
  if (!any(rows$a == 1)) return(NA)
  times <- sort(unique(rows$stop[rows$ev == 1]))
  at <- function(k) vapply(times, function(t) sum(k & rows$start < t & rows$stop >= t), 0)
  on <- function(k) vapply(times, function(t) sum(k & rows$stop == t & rows$ev == 1), 0)
  treated <- rows$a == 1
  n <- at(TRUE); m <- at(treated); e <- on(TRUE)
  observed <- sum(on(treated)); expected <- sum(e * m / n)
  variance <- sum(ifelse(n > 1, e * (m / n) * (1 - m / n) * (n - e) / (n - 1), 0))
  if (variance <= 0) return(NA)
  pchisq((observed - expected)^2 / variance, 1, lower.tail = FALSE)
}
clones <- function(s) {
  g <- 90
  treat <- transform(s, a = 1, end = ifelse(day <= g, time, pmin(time, g)))
  no_treat <- transform(s, a = 0, end = pmin(time, day))
  both <- rbind(treat, no_treat)
  transform(both, ev = ifelse(end < time, 0, ev))
}
ratio <- function(rows) {
  # a resample without an event in one arm has no finite ratio
  if (any(tapply(rows$ev, factor(rows$a, 0:1), sum) %in% c(0, NA))) return(NA)
  suppressWarnings(coxph.fit(cbind(a = rows$a), Surv(rows$end, rows$ev), NULL, NULL, NULL, control, NULL, "efron",
                             seq_len(nrow(rows)), resid = FALSE)$coefficients)
}
percentile <- function(s) {
  rows <- clones(s); n <- nrow(s)
  found <- replicate(resamples, { k <- sample(n, replace = TRUE); ratio(rows[c(k, n + k), ]) })
  limits <- quantile(found[is.finite(found)], c(.025, .975), names = FALSE)
  as.integer(limits[1] <= 0 && 0 <= limits[2])
}
trials <- function(s) {  # they start until day 90, in weeks in which somebody is treated; who is, is untreated until then
  starts <- 7 * sort(unique(s$day[is.finite(s$day)] %/% 7))
  starts <- starts[starts <= 90]
  do.call(rbind, lapply(starts, function(k) {
    e <- s[s$time > k & s$day >= k, ]
    t <- e[e$day < k + 7, ]
    rbind(
      data.frame(id = e$id, trial = k, start = k, stop = pmin(e$time, e$day), ev = ifelse(e$day < e$time, 0, e$ev), a = 0),
      data.frame(id = t$id, trial = rep(k, nrow(t)), start = t$day, stop = t$time, ev = t$ev, a = rep(1, nrow(t))))
  }))
}
sequential <- function(s) {
  rows <- trials(s)
  if (is.null(rows)) return(NA)
  wald(Surv(start, stop, ev) ~ a + strata(trial) + cluster(id), rows[rows$start < rows$stop, ])
}

studies <- split(d, d$study)
for (k in seq_along(studies)) {
  s <- transform(studies[[k]], id = seq_len(nrow(studies[[k]])), ev = event)
  rows <- switching(s)
  found <- c(
    naive = naive(s), landmark = landmark(s), mantel_byar = mantel_byar(rows),
    time_dependent = wald(Surv(start, stop, ev) ~ a, rows),
    clones_robust = wald(Surv(end, ev) ~ a + cluster(id), clones(s)), sequential = sequential(s),
    clones_bootstrap = if (k <= resampled) percentile(s) else NULL)
  cat(sprintf("%s %s %.10g\n", names(studies)[k], names(found), found), sep = "")
}
cat("version 0 0", as.character(getRversion()), as.character(packageVersion("survival")), "\n")
