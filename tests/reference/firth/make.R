# Reference values for tests/reference/test_firth.py: run `Rscript make.R` in this folder to write expected.json.
# The penalised likelihood l(b) + log|I(b)| / 2 from coxph's own likelihood and information at fixed b (no iteration),
# its slope by five-point differences, its top by steps of I^-1, its profile by the same with one coefficient held, and
# limits by the secant method. What coxphf 1.13 printed stands in the test itself.
suppressMessages({library(survival); library(jsonlite)})
none <- coxph.control(iter.max = 0, toler.inf = 1)
problem <- function(formula, data, ties, weighted = FALSE) {
  data$w <- if (weighted) 1 + (seq_len(nrow(data)) %% 3) / 2 else 1
  at <- function(b) { f <- suppressWarnings(coxph(formula, data, weights = w, ties = ties, init = b, control = none, robust = FALSE))
    v <- f$var; list(value = f$loglik[1] - as.numeric(determinant(v)$modulus) / 2, var = v, names = names(coef(f))) }
  list(at = at, value = function(b) at(b)$value)
}
slope <- function(p, b, free, size) sapply(free, function(j) { e <- replace(numeric(length(b)), j, size[j])
  (8 * (p$value(b + e) - p$value(b - e)) - (p$value(b + 2 * e) - p$value(b - 2 * e))) / (12 * size[j]) })
top <- function(p, b, free = seq_along(b)) {
  if (!length(free)) return(b)
  for (i in 1:60) { here <- p$at(b); size <- sqrt(diag(here$var)) / 50; inner <- solve(solve(here$var)[free, free, drop = FALSE])
    step <- drop(inner %*% slope(p, b, free, size)); big <- max(abs(step) / size[free] / 50)
    if (big > 1) step <- step / big
    b[free] <- b[free] + step; if (max(abs(step) / size[free]) < 2e-9) break }
  b
}
firth <- function(formula, data, ties = "breslow", weighted = FALSE) {
  p <- problem(formula, data, ties, weighted); k <- length(attr(terms(formula), "term.labels")) - length(grep("strata", attr(terms(formula), "term.labels")))
  b <- top(p, numeric(k)); here <- p$at(b); high <- here$value; se <- sqrt(diag(here$var)); z <- qnorm(.975)
  profile <- function(j, v, start) { start[j] <- v; top(p, start, setdiff(seq_len(k), j)) }
  limit <- function(j, sign) { f <- function(v) { m <- profile(j, v, b); sign * sqrt(max(0, 2 * (high - p$value(m)))) - sign * z }
    x0 <- b[j] + sign * 1.5 * se[j]; x1 <- b[j] + sign * 2.2 * se[j]; f0 <- f(x0); f1 <- f(x1)
    for (i in 1:30) { x2 <- x1 - f1 * (x1 - x0) / (f1 - f0); x0 <- x1; f0 <- f1; x1 <- x2; f1 <- f(x1); if (abs(f1) < 1e-9) break }
    x1 }
  list(names = I(here$names), coef = I(b), se = I(se), lower = I(sapply(seq_len(k), limit, -1)), upper = I(sapply(seq_len(k), limit, 1)),
       chisq = I(sapply(seq_len(k), function(j) 2 * (high - p$value(profile(j, 0, b))))), loglik = c(p$value(numeric(k)), high))
}
h <- survival::heart; h$tx <- as.integer(h$transplant == "1")
breast <- read.csv("../../../../shared/data/breast.csv")
toy <- data.frame(t = 1:8, s = c(1, 1, 1, 1, 0, 0, 0, 0), x = c(1, 1, 1, 1, 0, 0, 0, 0), z = c(1, 2, 1, 3, 4, 3, 2, 5))
all <- list(
  breast = firth(Surv(TIME, CENS) ~ T + N + G + CD, breast),
  toy = firth(Surv(t, s) ~ x, toy),
  toy_2 = firth(Surv(t, s) ~ x + z, toy),
  heart_breslow = firth(Surv(start, stop, event) ~ age + surgery + tx, h),
  heart_efron = firth(Surv(start, stop, event) ~ age + surgery + tx, h, "efron"),
  lung_strata_efron = firth(Surv(time, status) ~ age + sex + strata(ph.ecog), survival::lung[!is.na(survival::lung$ph.ecog), ], "efron"),
  ovarian_weights = firth(Surv(futime, fustat) ~ age + rx, survival::ovarian, "breslow", TRUE),
  veteran_weights_efron = firth(Surv(time, status) ~ karno + prior, survival::veteran, "efron", TRUE)
)
packages <- c("survival", "jsonlite"); versions <- as.list(sapply(packages, function(p) as.character(packageVersion(p))))
lines <- mapply(function(n, x) paste0(toJSON(n, auto_unbox = TRUE), ": ", toJSON(x, digits = 17, auto_unbox = TRUE)), names(all), all)
head <- toJSON(c(list(R = R.version.string), versions), auto_unbox = TRUE)
writeLines(c(paste0('{"versions": ', head, ', "cases": {'), paste(lines, collapse = ",\n"), "}}"), "expected.json")
