# Reference values for tests/reference/test_cox_depth.py: run `Rscript make.R` in this folder to write expected.json.
suppressMessages({library(survival); library(splines); library(jsonlite)})
control <- coxph.control(eps = 1e-11, toler.inf = 1e-7, iter.max = 50)
weight_of <- function(n) 1 + (seq_len(n) %% 3) / 2
all <- list()

fit <- function(formula, data, ties = "efron", weighted = FALSE, cluster = NULL) {
  data$w <- if (weighted) weight_of(nrow(data)) else 1
  call <- list(quote(coxph), formula, quote(data), ties = ties, control = quote(control), model = TRUE, x = TRUE)
  if (weighted) call$weights <- quote(w)
  if (!is.null(cluster)) { data$cl <- data[[cluster]]; call$cluster <- quote(cl) }
  out <- eval(as.call(call)); out$data <- data; out
}
zph <- function(f, transform) { t <- cox.zph(f, transform = transform)$table; list(term = rownames(t), chisq = unname(t[, 1]), df = unname(t[, 2]), p = unname(t[, 3])) }
# Every ninth row, and the sums of row number times value: all rows count, few are written.
# A deviance residual that is 0 but for rounding is NaN in R: it is 0.
some <- function(r) { r <- as.matrix(r); r[is.nan(r)] <- 0; n <- nrow(r); list(rows = unname(r[seq(1, n, by = 9), , drop = FALSE]), sums = I(unname(colSums(r * seq_len(n))))) }
residuals_of <- function(f, id) {
  out <- list(); kinds <- c("martingale", "deviance", "score", "dfbeta")
  for (k in kinds) { out[[k]] <- some(residuals(f, k)); out[[paste0(k, "_patient")]] <- some(residuals(f, k, collapse = id)) }
  for (k in c("schoenfeld", "scaledsch")) out[[k]] <- some(residuals(f, k))
  out
}
agree <- function(c) list(value = unname(c$concordance), var = unname(c$var), count = unname(colSums(matrix(c$count, ncol = 5)))[1:3])
curve <- function(f, newdata, times) { s <- summary(survfit(f, newdata = newdata, conf.type = "log-log"), times = times)
  list(surv = s$surv, se = s$std.err, lower = s$lower, upper = s$upper) }
case <- function(name, f, id, newdata, times, uno = NULL) {
  out <- list(zph = lapply(c(km = "km", rank = "rank", identity = "identity", log = "log"), function(t) zph(f, t)),
              residuals = residuals_of(f, id), curve = curve(f, newdata, times), times = times)
  cl <- f$data$cl; cl <- if (is.null(cl)) id else cl
  out$harrell <- agree(concordance(f, cluster = cl, keepstrata = FALSE))
  if (!is.null(uno)) { out$uno <- agree(concordance(f, timewt = "n/G2", keepstrata = FALSE))
    out$uno_tau <- agree(concordance(f, timewt = "n/G2", ymax = uno, keepstrata = FALSE)); out$tau <- uno }
  all[[name]] <<- out
}
h <- survival::heart; h$tx <- as.integer(h$transplant == "1")
one <- data.frame(age = 5, surgery = 0, year = 3, tx = 1)
for (t in c("efron", "breslow")) case(paste0("heart_", t), fit(Surv(start, stop, event) ~ age + surgery + year + tx, h, t), h$id, one, c(30, 90, 365))
case("heart_robust", fit(Surv(start, stop, event) ~ age + surgery + year + tx, h, cluster = "id"), h$id, one, c(30, 90, 365))
case("heart_weights", fit(Surv(start, stop, event) ~ age + surgery + year + tx, h, weighted = TRUE, cluster = "id"), h$id, one, c(30, 90, 365))
v <- survival::veteran; v$celltype <- factor(as.character(v$celltype)); one <- data.frame(celltype = "large", karno = 60, age = 50); i <- seq_len(nrow(v))
for (t in c("efron", "breslow")) { case(paste0("veteran_", t), fit(Surv(time, status) ~ celltype + karno + age, v, t), i, one, c(30, 90, 365), 300)
  case(paste0("veteran_weights_", t), fit(Surv(time, status) ~ celltype + karno + age, v, t, TRUE), i, one, c(30, 90, 365), 300) }
l <- survival::lung[!is.na(survival::lung$ph.ecog), ]
case("lung_strata", fit(Surv(time, status) ~ age + sex + strata(ph.ecog), l), seq_len(nrow(l)), data.frame(age = 60, sex = 1, ph.ecog = 1), c(30, 90, 365), 300)
o <- survival::ovarian
case("ovarian", fit(Surv(futime, fustat) ~ age + rx + ecog.ps, o), seq_len(nrow(o)), data.frame(age = 60, rx = 1, ecog.ps = 1), c(100, 400, 600), 600)
k <- survival::kidney; k$disease <- relevel(factor(as.character(k$disease)), "Other")
case("kidney", fit(Surv(time, status) ~ age + sex + disease, k), k$id, data.frame(age = 40, sex = 1, disease = "GN"), c(10, 60, 300))

# The rule book's rows 4 and 15, products, splines, effects that change with time.
all$row_4 <- zph(fit(Surv(start, stop, event) ~ age + surgery + year + tx, h), "km")
all$row_15 <- zph(fit(Surv(time, status) ~ trt + celltype + karno, v), "km")
numbers <- function(f) list(coef = I(unname(coef(f))), se = I(unname(sqrt(diag(f$var)))), loglik = f$loglik)
all$product <- numbers(fit(Surv(time, status) ~ celltype * karno + age, v))
all$product_of_levels <- numbers(fit(Surv(time, status) ~ celltype * prior, transform(v, prior = factor(ifelse(prior > 0, "yes", "no")))))
knots <- c(30, 50, 70, 90); lp <- function(f) { p <- predict(f, reference = "zero"); as.vector(p - p[1]) }
f <- fit(Surv(time, status) ~ ns(karno, knots = knots[2:3], Boundary.knots = knots[c(1, 4)]), v); all$spline <- list(loglik = f$loglik, lp = lp(f))
knots <- unname(quantile(v$age, c(.05, .35, .65, .95)))
f <- fit(Surv(time, status) ~ ns(age, knots = knots[2:3], Boundary.knots = knots[c(1, 4)]) + karno, v); all$spline_placed <- list(loglik = f$loglik, lp = lp(f), knots = knots)
s <- survSplit(Surv(time, status) ~ ., v, cut = sort(unique(v$time[v$status == 1])), id = "id"); s$g <- log(s$time); s$g1 <- log(s$time + 1)
all$log_time <- numbers(fit(Surv(tstart, time, status) ~ karno + age + karno:g, s))
all$log_time_plus_1 <- numbers(fit(Surv(tstart, time, status) ~ karno + age + karno:g1, s))
all$time <- numbers(fit(Surv(tstart, time, status) ~ karno + age + karno:time, s))
s <- survSplit(Surv(time, status) ~ ., v, cut = c(60, 180), id = "id"); s$a <- as.integer(s$tstart >= 60); s$b <- as.integer(s$tstart >= 180)
all$steps <- numbers(fit(Surv(tstart, time, status) ~ karno + age + karno:a + karno:b, s))

# Adjusted curves: the average of predictions; its variance from the derivative with respect to each patient's weight.
adjusted <- function(formula, data, by, times, ties) {
  base <- function(w) { data$w <- w
    f <- coxph(formula, data, weights = w, ties = ties, control = control, model = TRUE, x = TRUE)
    sapply(levels(factor(data[[by]])), function(g) { d <- data; d[[by]] <- if (is.numeric(data[[by]])) as.numeric(g) else factor(g, levels(data[[by]]))
      s <- summary(survfit(f, newdata = d, se.fit = FALSE), times = times)$surv; colSums(w * t(matrix(s, nrow = length(times)))) / sum(w) }) }
  n <- nrow(data); step <- 1e-4; one <- rep(1, n)
  richardson <- function(j, s) { u <- one; u[j] <- 1 + s; d <- one; d[j] <- 1 - s; (base(u) - base(d)) / (2 * s) }
  influence <- sapply(seq_len(n), function(j) (4 * richardson(j, step) - richardson(j, 2 * step)) / 3)
  list(times = times, surv = unname(base(one)), se = unname(matrix(sqrt(rowSums(influence^2)), nrow = length(times))))
}
all$adjusted_ovarian <- adjusted(Surv(futime, fustat) ~ age + rx, o, "rx", c(200, 400), "efron")
small <- v[seq(1, 137, by = 3), ]
for (t in c("efron", "breslow")) all[[paste0("adjusted_veteran_", t)]] <- adjusted(Surv(time, status) ~ celltype + karno, small, "celltype", c(20, 100), t)

packages <- c("survival", "jsonlite"); versions <- as.list(sapply(packages, function(p) as.character(packageVersion(p))))
lines <- mapply(function(n, x) paste0(toJSON(n, auto_unbox = TRUE), ": ", toJSON(x, digits = 17, auto_unbox = TRUE, null = "null")), names(all), all)
head <- toJSON(c(list(R = R.version.string), versions), auto_unbox = TRUE)
writeLines(c(paste0('{"versions": ', head, ', "cases": {'), paste(lines, collapse = ",\n"), "}}"), "expected.json")
