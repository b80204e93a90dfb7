# Clone-censor-weight by R's survival, as one writes it: Rscript clone_censor_weight.R FOLDER RESAMPLES
# Reads FOLDER/patients.csv; prints the log hazard ratio and the risks in the data, then the processor seconds of each resample.
suppressMessages(library(survival))
arguments <- commandArgs(TRUE); d <- read.csv(file.path(arguments[1], "patients.csv")); resamples <- as.integer(arguments[2])
g <- 90; horizon <- 730
once <- function(d) {
  d$id <- seq_len(nrow(d)); d$tr <- ifelse(is.na(d$day), Inf, d$day)
  d$event[d$time > horizon] <- 0; d$time <- pmin(d$time, horizon)
  none <- d; none$ft <- pmin(d$time, d$tr); none$art <- as.integer(d$tr < d$time | (d$tr == d$time & d$event == 0)); none$ev <- ifelse(d$tr < d$time, 0, d$event)
  treat <- d; out <- d$tr > g & d$time > g; treat$ft <- ifelse(out, g, d$time); treat$ev <- ifelse(out, 0, d$event)
  f <- coxph(Surv(ft, art) ~ age + mrd + wbc, none); b <- basehaz(f, centered = FALSE)
  cuts <- sort(unique(c(none$ft[none$ev == 1], none$ft[none$art == 1], g)))
  s <- survSplit(Surv(ft, ev) ~ ., none, cut = cuts)
  before <- c(0, b$hazard)[findInterval(s$ft, b$time, left.open = TRUE) + 1]
  s$w <- exp(before * exp(drop(as.matrix(s[, c("age", "mrd", "wbc")]) %*% coef(f))))
  m <- glm(I(tr <= g) ~ age + mrd + wbc, binomial, d[d$time > g, ])
  u <- survSplit(Surv(ft, ev) ~ ., treat, cut = g); u$w <- ifelse(u$tstart >= g, 1 / predict(m, u, type = "response"), 1)
  keep <- c("id", "tstart", "ft", "ev", "w"); long <- rbind(cbind(s[, keep], arm = 0), cbind(u[, keep], arm = 1))
  h <- coxph(Surv(tstart, ft, ev) ~ arm, long, weights = w)
  k <- survfit(Surv(tstart, ft, ev) ~ arm, long, weights = w, se.fit = FALSE)
  c(coef(h), 1 - summary(k, times = horizon)$surv)
}
cat(sprintf("%.17g", once(d)), "\n")
set.seed(1)
for (i in seq_len(resamples)) cat(sum(system.time(once(d[sample(nrow(d), replace = TRUE), ]))[1:2]), "\n")
