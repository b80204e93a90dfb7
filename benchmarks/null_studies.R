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
wald_weighted <- function(rows) {
  if (length(unique(rows$a)) < 2 || !any(rows$ev == 1)) return(NA)
  fit <- suppressWarnings(coxph(Surv(start, stop, ev) ~ a + cluster(id), rows, weights = w, control = control))
  unname(summary(fit)$coefficients["a", "Pr(>|z|)"])
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
clones <- function(s) {  # weighted by the share that has kept to its arm, without covariates
  g <- 90
  share <- mean((s$day <= g)[s$time > g])
  end <- ifelse(s$day <= g, s$time, pmin(s$time, g))
  treat <- data.frame(id = s$id, start = 0, stop = pmin(end, g), ev = ifelse(end <= g & end == s$time, s$ev, 0), w = 1)
  k <- end > g
  later <- data.frame(id = s$id[k], start = rep(g, sum(k)), stop = end[k], ev = s$ev[k], w = rep(1 / share, sum(k)))
  leaves <- s$day < s$time | (s$day == s$time & s$ev == 0)
  end <- pmin(s$time, s$day); ev <- ifelse(s$day < s$time, 0, s$ev)
  at <- sort(unique(end[leaves]))
  hazard <- cumsum(vapply(at, function(t) sum(leaves & end == t) / sum(end >= t), 0))
  n <- findInterval(end, at, left.open = TRUE) + 1  # a row from each departure of others that comes before the end
  row <- rep(seq_along(end), n); place <- sequence(n)
  last <- place == n[row]
  none <- data.frame(id = s$id[row], start = c(0, at)[place], stop = ifelse(last, end[row], at[pmin(place, length(at))]),
                     ev = ifelse(last, ev[row], 0), w = exp(c(0, hazard)[place]))
  rbind(transform(rbind(treat, later), a = rep(1, nrow(treat) + nrow(later))), transform(none, a = 0))
}
ratio <- function(rows) {
  # a resample without an event in one arm has no finite ratio
  if (any(tapply(rows$ev, factor(rows$a, 0:1), sum) %in% c(0, NA))) return(NA)
  suppressWarnings(agreg.fit(cbind(a = rows$a), Surv(rows$start, rows$stop, rows$ev), NULL, NULL, NULL, control, rows$w,
                             "efron", seq_len(nrow(rows)), resid = FALSE)$coefficients)
}
percentile <- function(s) {
  n <- nrow(s)
  found <- replicate(resamples, ratio(clones(s[sample(n, replace = TRUE), ])))
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
    clones_robust = wald_weighted(clones(s)), sequential = sequential(s),
    clones_bootstrap = if (k <= resampled && nrow(s) <= 100) percentile(s) else NULL)  # slow in R beyond
  cat(sprintf("%s %s %.10g\n", names(studies)[k], names(found), found), sep = "")
}
cat("version 0 0", as.character(getRversion()), as.character(packageVersion("survival")), "\n")
