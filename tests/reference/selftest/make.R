# Makes src/dayzero/selftest/expected.json: run it in this folder with Rscript make.R
# The data are arithmetic, so that R and Python make the same ones and no file has to be shipped.
suppressMessages({library(survival); library(cmprsk); library(jsonlite)})
i <- 0:119
d <- data.frame(
  time = 1 + (i * 37) %% 41,
  cause = c(0, 0, 0, 1, 1, 2, 2)[(i * 53) %% 7 + 1],
  group = c("a", "b", "c")[i %% 3 + 1],
  age = 20 + (i * 29) %% 47,
  x = ((i * 17) %% 13) / 4,
  stratum = c("s", "t")[i %% 2 + 1],
  cluster = i %/% 6,
  weight = 1 + i %% 3  # whole numbers: with others survfit turns to the robust variance
)
d$start <- pmax(0, d$time - 1 - (i * 11) %% 30)
d$event <- as.integer(d$cause == 1)
ctl <- coxph.control(eps = 1e-11, iter.max = 50)
out <- list()
at <- c(10, 20, 35)
for (ct in c("log-log", "log", "plain", "logit", "arcsin")) {
  s <- summary(survfit(Surv(time, event) ~ 1, d, conf.type = ct), times = at)
  key <- paste("survival", sub("arcsin", "arcsine", ct))
  out[[key]] <- list(estimate = s$surv, std_error = s$std.err, lower = s$lower, upper = s$upper)
}
s <- summary(survfit(Surv(time, event) ~ 1, d, weights = weight, conf.type = "log-log"), times = at)
out[["survival weighted"]] <- list(estimate = s$surv, std_error = s$std.err)
s <- summary(survfit(Surv(start, time, event) ~ 1, d, conf.type = "log-log"), times = at)
out[["survival delayed entry"]] <- list(estimate = s$surv, std_error = s$std.err, lower = s$lower, upper = s$upper)
f <- survfit(Surv(time, event) ~ 1, d, conf.type = "log-log")
out[["median"]] <- list(estimate = unname(quantile(f, .5)$quantile), lower = unname(quantile(f, .5)$lower))
f <- survfit(Surv(time, cause == 0) ~ 1, d, conf.type = "log-log")
q <- quantile(f, .5)
out[["median follow-up"]] <- list(estimate = unname(q$quantile), lower = unname(q$lower), upper = unname(q$upper))
s <- summary(survfit(Surv(time, factor(cause, 0:2, c("censored", "first", "second"))) ~ 1, d, conf.type = "log-log"), times = at)
for (k in 2:3) out[[paste("cumulative incidence", k - 1)]] <- list(estimate = s$pstate[, k], std_error = s$std.err[, k],
  lower = s$lower[, k], upper = s$upper[, k])
out[["log-rank"]] <- list(estimate = survdiff(Surv(time, event) ~ group, d)$chisq)
out[["log-rank stratified"]] <- list(estimate = survdiff(Surv(time, event) ~ group + strata(stratum), d)$chisq)
out[["log-rank rho 1"]] <- list(estimate = survdiff(Surv(time, event) ~ group, d, rho = 1)$chisq)
g <- cuminc(d$time, d$cause, d$group)$Tests
out[["gray"]] <- list(estimate = unname(g[, "stat"]))
g <- cuminc(d$time, d$cause, d$group, strata = d$stratum)$Tests
out[["gray stratified"]] <- list(estimate = unname(g[, "stat"]))
cox <- function(f) list(estimate = unname(coef(f)), std_error = unname(sqrt(diag(vcov(f)))))
for (ties in c("efron", "breslow", "exact"))
  out[[paste("cox", ties)]] <- cox(coxph(Surv(time, event) ~ age + x, d, ties = ties, control = ctl))
out[["cox start-stop"]] <- cox(coxph(Surv(start, time, event) ~ age + x, d, control = ctl))
out[["cox strata"]] <- cox(coxph(Surv(time, event) ~ age + x + strata(stratum), d, control = ctl))
out[["cox cluster"]] <- cox(coxph(Surv(time, event) ~ age + x, d, cluster = cluster, control = ctl))
out[["cox weights"]] <- cox(coxph(Surv(time, event) ~ age + x, d, weights = weight, robust = TRUE, control = ctl))
out[["cox groups"]] <- cox(coxph(Surv(time, event) ~ group + age, d, control = ctl))
versions <- list(R = paste(R.version$major, R.version$minor, sep = "."),
  survival = as.character(packageVersion("survival")), cmprsk = as.character(packageVersion("cmprsk")))
writeLines(toJSON(list(versions = versions, figures = out), digits = I(17), auto_unbox = FALSE, pretty = TRUE, na = "null"),
  "../../../src/dayzero/selftest/expected.json")
