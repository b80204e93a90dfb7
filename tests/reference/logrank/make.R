# Reference numbers for the log-rank test and its family. Rscript make.R
suppressPackageStartupMessages({library(survival); library(KMsurv); library(MASS); library(jsonlite)})
data(bmt); data(larynx)
lr <- function(formula, data, rho = 0) {
  fit <- survdiff(formula, data, rho = rho)
  strata <- is.matrix(fit$obs)
  list(observed = if (strata) rowSums(fit$obs) else fit$obs, expected = if (strata) rowSums(fit$exp) else fit$exp,
       variance = fit$var, chi2 = fit$chisq, df = length(fit$n) - 1)
}
# Start-stop rows and case weights: the score test of the Cox model, whose ties must be exact to give the
# hypergeometric variance; without ties Breslow's is the same.
start_stop <- function(formula, data, ...) coxph(formula, data, ties = "breslow", ..., control = coxph.control(eps = 1e-11, iter.max = 50))$score
set.seed(1); n <- 60
late <- data.frame(start = round(runif(n, 0, 5), 6), group = rep(c("a", "b", "c"), 20), event = rep(c(1, 1, 0, 1), 15))
late$stop <- round(late$start + rexp(n, .2 + .1 * (late$group == "b")), 6) + 1e-4
stopifnot(!anyDuplicated(late$stop), !anyDuplicated(late$start))
out <- list(
  gehan = lr(Surv(time, cens) ~ treat, gehan), gehan_rho_1 = lr(Surv(time, cens) ~ treat, gehan, 1),
  bmt = lr(Surv(t2, d3) ~ group, bmt), bmt_rho_half = lr(Surv(t2, d3) ~ group, bmt, .5),
  bmt_stratified = lr(Surv(t2, d3) ~ group + strata(z10), bmt), bmt_stratified_rho_1 = lr(Surv(t2, d3) ~ group + strata(z10), bmt, 1),
  veteran = lr(Surv(time, status) ~ celltype, veteran), veteran_stratified = lr(Surv(time, status) ~ celltype + strata(trt), veteran),
  larynx = lr(Surv(time, delta) ~ stage, larynx), lung = lr(Surv(time, status) ~ sex, lung),
  colon = lr(Surv(time, status) ~ rx, subset(colon, etype == 2)))
pairs <- list(c(1, 2), c(1, 3), c(2, 3))
p <- sapply(pairs, function(g) { f <- survdiff(Surv(t2, d3) ~ group, subset(bmt, group %in% g)); pchisq(f$chisq, 1, lower.tail = FALSE) })
versions <- sapply(c("survival", "KMsurv", "MASS"), function(p) as.character(packageVersion(p)))
write_json(list(R = R.version.string, versions = as.list(versions), tests = out, bmt_holm = p.adjust(p, "holm"),
  late = c(as.list(late), score = unname(start_stop(Surv(start, stop, event) ~ group, late)))),
  "expected.json", digits = 17, auto_unbox = TRUE)
