# Reference values for tests/reference/test_cox.py: run `Rscript make.R` in this folder to write expected.json.
suppressMessages({library(survival); library(jsonlite); library(KMsurv); library(MASS)})
control <- coxph.control(eps = 1e-11, toler.inf = 1e-7, iter.max = 50)
weight_of <- function(n) 1 + (seq_len(n) %% 3) / 2

fit <- function(formula, data, ties = "efron", weighted = FALSE, cluster) {
  group <- substitute(cluster)
  call <- list(quote(coxph), formula, quote(data), ties = ties, control = quote(control), model = TRUE, x = TRUE)
  if (weighted) { data$w <- weight_of(nrow(data)); call$weights <- quote(w) }
  if (!missing(cluster)) call$cluster <- group
  eval(as.call(call))
}
numbers <- function(f, dfbeta = FALSE, collapse = seq_len(f$n), baseline = FALSE) {
  robust <- !is.null(f$naive.var)
  model <- if (robust) f$naive.var else f$var
  out <- list(names = I(names(coef(f))), coef = I(unname(coef(f))), se = I(sqrt(diag(model))),
              loglik = f$loglik, score = f$score, wald = unname(f$wald.test), n = f$n, events = f$nevent)
  if (robust) out$robust <- I(sqrt(diag(f$var)))
  if (dfbeta) out$dfbeta <- as.matrix(residuals(f, "dfbeta", collapse = collapse, weighted = TRUE))
  if (baseline) { b <- basehaz(f, centered = FALSE)
    out$baseline <- list(time = b$time, hazard = b$hazard, stratum = if (is.null(b$strata)) NULL else as.character(b$strata)) }
  out
}
all <- list()
three <- function(name, formula, data, ...) for (t in c("efron", "breslow", "exact"))
  all[[paste0(name, "_", t)]] <<- numbers(fit(formula, data, t), ...)

h <- survival::heart; h$tx <- as.integer(h$transplant == "1")
three("heart", Surv(start, stop, event) ~ age + surgery + year + tx, h)
all$heart_cluster <- numbers(fit(Surv(start, stop, event) ~ age + surgery + year + tx, h, cluster = id), TRUE, h$id, TRUE)
all$heart_interaction <- numbers(fit(Surv(start, stop, event) ~ (age + surgery) * tx, h))
all$heart_weights <- numbers(fit(Surv(start, stop, event) ~ age + surgery + year + tx, h, weighted = TRUE, cluster = id), TRUE, h$id, TRUE)
all$heart_weights_breslow <- numbers(fit(Surv(start, stop, event) ~ age + surgery + year + tx, h, "breslow", weighted = TRUE, cluster = id), TRUE, h$id, TRUE)

l <- survival::lung; l$id <- seq_len(nrow(l))
three("lung", Surv(time, status) ~ age + sex + ph.ecog, l)
all$lung_strata_cluster <- numbers(fit(Surv(time, status) ~ age + sex + strata(ph.ecog) + cluster(inst), l), baseline = TRUE)
all$lung_weights <- numbers(fit(Surv(time, status) ~ age + sex + strata(ph.ecog), l, weighted = TRUE, cluster = id))

three("veteran", Surv(time, status) ~ celltype + karno + age, survival::veteran)
all$veteran_large <- numbers(fit(Surv(time, status) ~ relevel(celltype, "large") + karno, survival::veteran))

co <- survival::colon[survival::colon$etype == 2, ]; co$rx <- as.character(co$rx)
three("colon", Surv(time, status) ~ rx + nodes + age, co)
all$colon_strata <- numbers(fit(Surv(time, status) ~ rx + nodes + strata(sex, differ), co), baseline = TRUE)

gehan$id <- seq_len(42); gehan$arm <- as.character(gehan$treat)
three("gehan", Surv(time, cens) ~ arm, gehan)
all$gehan_dfbeta <- numbers(fit(Surv(time, cens) ~ arm, gehan, cluster = id), TRUE)

all$kidney_cluster <- numbers(fit(Surv(time, status) ~ age + sex + disease, survival::kidney, cluster = id), TRUE, survival::kidney$id)
all$ovarian <- numbers(fit(Surv(futime, fustat) ~ age + rx + ecog.ps, survival::ovarian))
b2 <- survival::bladder2
all$bladder_cluster <- numbers(fit(Surv(start, stop, event) ~ rx + number + size + strata(enum), b2, cluster = id), TRUE, b2$id)

m <- survival::mgus2; m$entry <- m$age * 12; m$exit <- m$entry + m$futime; m <- m[m$entry < m$exit, ]
m$male <- as.integer(m$sex == "M")
all$mgus2_age_scale <- numbers(fit(Surv(entry, exit, death) ~ male + hgb + creat, m, cluster = id), baseline = TRUE)
all$mgus2_age_scale_weights <- numbers(fit(Surv(entry, exit, death) ~ male + hgb + creat, m, weighted = TRUE, cluster = id))

j <- survival::jasa; all$jasa_naive <- numbers(fit(Surv(futime, fustat) ~ transplant, j))
data(bmt, package = "KMsurv"); k <- bmt; k$id <- seq_len(nrow(k)); k$g <- as.character(k$group)
all$bmt_naive_platelets <- numbers(fit(Surv(t2, d3) ~ dp, k))
switching <- function(day, happened, tie) {
  d <- ifelse(happened == 1, day - tie, NA)
  td <- tmerge(k[, c("id", "g")], k, id = id, dfs = event(t2, d3))
  k$switch <- d
  td <- tmerge(td, k, id = id, on = tdc(switch))
  numbers(fit(Surv(tstart, tstop, dfs) ~ g + on, td, "breslow"))
}
for (s in c("at", "after")) {
  early <- if (s == "at") 1e-3 else 0
  all[[paste0("bmt_agvhd_", s)]] <- switching(k$ta, k$da, early)
  all[[paste0("bmt_cgvhd_", s)]] <- switching(k$tc, k$dc, early)
  all[[paste0("bmt_platelets_", s)]] <- switching(k$tp, k$dp, early)
}
versions <- c(R = as.character(getRversion()), sapply(c("survival", "KMsurv", "MASS", "jsonlite"), function(p) as.character(packageVersion(p))))
write_json(list(versions = as.list(versions), cases = all), "expected.json", digits = I(17), auto_unbox = TRUE, matrix = "rowmajor", pretty = FALSE)
