# Reference numbers for naive, landmark, super-landmark and time-dependent comparisons. Rscript make.R
suppressPackageStartupMessages({library(survival); library(KMsurv); library(jsonlite)})
exact <- coxph.control(eps = 1e-11, iter.max = 50)
data(bmt); data(cancer, package = "survival"); jasa <- survival::jasa; heart <- survival::heart
bmt$id <- seq_len(nrow(bmt)); bmt$group <- factor(bmt$group, 1:3, c("all", "low", "high"))
bmt$cause <- factor(with(bmt, ifelse(d2 == 1, 1, ifelse(d3 == 1, 2, 0))), 0:2, c("censor", "relapse", "death"))
day <- function(given, when) ifelse(given == 1, when, NA)
bmt$agvhd <- day(bmt$da, bmt$ta); bmt$cgvhd <- day(bmt$dc, bmt$tc); bmt$platelets <- day(bmt$dp, bmt$tp)
one <- function(fit, term, robust = FALSE) { s <- coef(summary(fit)); se <- if (robust) "robust se" else "se(coef)"
  list(estimate = unname(s[term, "coef"]), se = unname(s[term, se])) }
cox <- function(formula, data, term, ...) { extra <- list(...)
  fit <- do.call(coxph, c(list(formula = formula, data = data, control = exact), extra)); one(fit, term, !is.null(fit$naive.var)) }
# the treatment's day is moved by half a day for the switch at it: all days are whole
timed <- function(data, name, shift = 0) { d <- data; d$when <- data[[name]] + shift
  td <- tmerge(d, d, id = id, event = event(t2, d3), relapse = event(t2, d2), other = event(t2, as.integer(d3 == 1 & d2 == 0)))
  tmerge(td, d, id = id, tx = tdc(when)) }
jasa$id <- seq_len(nrow(jasa)); j <- subset(jasa, futime > 0)
jtd <- tmerge(tmerge(j, j, id = id, event = event(futime, fustat)), j, id = id, tx = tdc(wait.time))
at_landmark <- function(day, name = "cgvhd") { d <- subset(bmt, t2 > day); d$tx <- as.integer(!is.na(d[[name]]) & d[[name]] <= day); d$LM <- day; d$start <- day; d }
stack <- function(days, horizon = Inf) do.call(rbind, lapply(days, function(l) { d <- at_landmark(l); d$event <- ifelse(d$t2 > horizon, 0, d$d3); d$stop <- pmin(d$t2, horizon); d }))
bmttd <- timed(bmt, "cgvhd"); hearttd <- transform(heart, tstart = start, tstop = stop, tx = as.integer(transplant == 1))
byar <- function(td) { score <- function(ties) unname(coxph(Surv(tstart, tstop, event) ~ tx, td, ties = ties, control = exact)$score)
  list(exact = score("exact"), breslow = score("breslow")) }
# survfit takes an event on the start day itself as after it, and here a landmark takes it as before: hence 100.5 below
# between two times of a curve summary.survfit prints those at risk at the next, later entries among them: hence counted here
curve <- function(fit, rows, times) { s <- summary(fit, times = times, extend = FALSE)
  count <- function(arm) sapply(times, function(t) sum(rows$tstart < t & rows$tstop >= t & rows$tx == arm))
  list(strata = as.character(s$strata), time = s$time, surv = s$surv, se = s$std.err, n_risk = c(count(0), count(1))) }
risk <- function(d, horizon, start, weights = NULL) sapply(0:1, function(arm) { a <- d[d$tx == arm, ]; a$start <- start
  f <- if (is.null(weights)) survfit(Surv(start, t2, d3) ~ 1, a) else survfit(Surv(start, t2, d3) ~ 1, a, weights = a$w, id = id, cluster = id)
  s <- summary(f, times = horizon); g <- summary(survfit(Surv(t2 - start, d3) ~ 1, a, weights = if (is.null(weights)) NULL else a$w), rmean = horizon - start)$table
  c(risk = 1 - s$surv, se = s$std.err, rmst = unname(g[grep("rmean", names(g))[1]]), rmst_se = unname(g[grep("se\\(rmean\\)", names(g))])) })
weigh <- function(d, stabilised = FALSE, cap = 1) { p <- fitted(glm(tx ~ group + z1, binomial, d, control = list(epsilon = 1e-14, maxit = 100)))
  w <- ifelse(d$tx == 1, 1 / p, 1 / (1 - p)); if (stabilised) w <- w * ifelse(d$tx == 1, mean(d$tx), 1 - mean(d$tx))
  for (arm in 0:1) w[d$tx == arm] <- pmin(w[d$tx == arm], quantile(w[d$tx == arm], cap)); d$w <- w; d }
iptw <- function(day, ...) { d <- weigh(at_landmark(day), ...); z <- model.matrix(~ group + z1, d)[, -1]; t <- d$tx == 1
  v <- function(s) colMeans(sweep(z[s, ], 2, colMeans(z[s, ]))^2); mean_of <- function(s, w) colSums(z[s, ] * w[s]) / sum(w[s])
  gap <- function(w) unname((mean_of(t, w) - mean_of(!t, w)) / sqrt((v(t) + v(!t)) / 2)); r <- risk(d, 730, day, TRUE)
  c(cox(Surv(t2, d3) ~ tx, d, "tx", weights = d$w, cluster = d$id, robust = TRUE),
    list(risk = unname(r["risk", ]), risk_se = unname(r["se", ]), rmst = unname(r["rmst", ]), before = gap(rep(1, nrow(d))), after = gap(d$w), largest = max(d$w))) }
plain <- function(day) { r <- risk(at_landmark(day), 730, day); list(risk = unname(r["risk", ]), se = unname(r["se", ]), rmst = unname(r["rmst", ]), rmst_se = unname(r["rmst_se", ])) }
switches <- function(shift) lapply(c(agvhd = "agvhd", cgvhd = "cgvhd", platelets = "platelets"), function(name)
  cox(Surv(tstart, tstop, event) ~ group + tx, timed(bmt, name, shift), "tx", ties = "breslow"))
ever <- transform(bmt, tx = dc, pl = dp)
cases <- list(
  jasa_naive = cox(Surv(futime, fustat) ~ transplant, jasa, "transplant"),
  jasa_landmark_30 = cox(Surv(futime, fustat) ~ tx, transform(subset(jasa, futime > 30), tx = as.integer(!is.na(wait.time) & wait.time <= 30)), "tx"),
  heart = cox(Surv(start, stop, event) ~ transplant, heart, "transplant1"),
  jasa_time_dependent = cox(Surv(tstart, tstop, event) ~ tx, jtd, "tx"),
  jasa_adjusted = cox(Surv(tstart, tstop, event) ~ tx + age + surgery, jtd, "tx"),
  at = switches(-.5), after = switches(0),
  platelets_naive = cox(Surv(t2, d3) ~ pl, ever, "pl"),
  platelets_landmark_56 = cox(Surv(t2, d3) ~ group + tx, at_landmark(56, "platelets"), "tx"),
  cgvhd_naive = cox(Surv(t2, d3) ~ tx, ever, "tx"),
  cgvhd_time_dependent = cox(Surv(tstart, tstop, event) ~ tx, bmttd, "tx"),
  cgvhd_landmark_100 = cox(Surv(t2, d3) ~ tx, at_landmark(100), "tx"),
  cgvhd_strata = cox(Surv(tstart, tstop, event) ~ tx + z1 + strata(group), bmttd, "tx"),
  cgvhd_cluster = cox(Surv(tstart, tstop, event) ~ tx + z1, bmttd, "tx", cluster = bmttd$z9),
  relapse = cox(Surv(tstart, tstop, relapse) ~ tx + group, bmttd, "tx"),
  death_in_remission = cox(Surv(tstart, tstop, other) ~ tx + group, bmttd, "tx"),
  super = cox(Surv(start, stop, event) ~ tx + strata(LM), stack(c(60, 90, 120, 180)), "tx", cluster = stack(c(60, 90, 120, 180))$id),
  super_adjusted_730 = cox(Surv(start, stop, event) ~ tx + group + z1 + strata(LM), stack(c(60, 90, 120, 180), 730), "tx", cluster = stack(c(60, 90, 120, 180), 730)$id),
  super_breslow = cox(Surv(start, stop, event) ~ tx + strata(LM), stack(c(60, 90, 120, 180)), "tx", ties = "breslow", cluster = stack(c(60, 90, 120, 180))$id),
  byar_heart = byar(hearttd), byar_cgvhd = byar(bmttd),
  simon_makuch_heart = curve(survfit(Surv(start, stop, event) ~ transplant, heart), hearttd, c(30, 100, 365)),
  simon_makuch_cgvhd_from_100 = curve(survfit(Surv(tstart, tstop, event) ~ tx, bmttd, start.time = 100.5), bmttd, c(200, 365, 730)),
  risks_100 = plain(100),
  iptw_200 = iptw(200), iptw_200_stabilised_90 = iptw(200, TRUE, .9))
versions <- sapply(c("survival", "KMsurv"), function(p) as.character(packageVersion(p)))
line <- function(name) paste0(toJSON(name, auto_unbox = TRUE), ": ", toJSON(cases[[name]], digits = I(17), auto_unbox = TRUE))
cat(paste0("{\"R\": ", toJSON(R.version.string, auto_unbox = TRUE), ",\n\"versions\": ", toJSON(as.list(versions), auto_unbox = TRUE),
  ",\n", paste(sapply(names(cases), line), collapse = ",\n"), "}\n"), file = "expected.json")
