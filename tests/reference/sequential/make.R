# Reference numbers for sequential trials and for the treatment as a state, built by hand. Rscript make.R
# Stanford heart (survival::jasa, transplant) and KM bmt (KMsurv::bmt, chronic GVHD; platelet recovery changes with time).
suppressPackageStartupMessages({library(survival); library(KMsurv); library(etm); library(jsonlite)})
control <- coxph.control(eps = 1e-11, toler.inf = 1e-7, iter.max = 50)
EARLY <- -1  # stands for minus infinity: an event on day 0 counts

# Tables: one row a patient and value of the covariates; ev 0 censored, 1 the event, 2 a competing one
heart <- with(jasa, data.frame(id = seq_along(futime), start = EARLY, stop = as.numeric(fu.date - accept.dt), ev = fustat, age, surgery))
heart_day <- with(jasa, ifelse(is.na(tx.date), Inf, as.numeric(tx.date - accept.dt)))
data(bmt)
plain <- with(bmt, data.frame(id = seq_along(t2), start = EARLY, stop = t2, ev = ifelse(d2 == 1, 1, ifelse(d1 == 1 & d3 == 1, 2, 0)), age = z1, group, recovered = 0))
recovery <- with(bmt, ifelse(dp == 1 & tp < t2, tp, Inf))
marrow <- do.call(rbind, lapply(seq_len(nrow(plain)), function(i) { r <- plain[i, ]; d <- recovery[i]; if (is.infinite(d)) return(r)
  a <- r; a$stop <- d; a$ev <- 0; b <- r; b$start <- d; b$recovered <- 1; rbind(a, b) }))
marrow_day <- with(bmt, ifelse(dc == 1, tc, Inf))

# The hazard of starting treatment among the untreated: relative hazards of the rows, jumps of the baseline and of Nelson-Aalen
starting <- function(rows, day, terms, ties) {
  u <- rows[rows$start < day[rows$id], ]; T <- day[u$id]
  u$begins <- as.integer(T < u$stop | (T == u$stop & u$ev == 0)); u$stop <- pmin(u$stop, T)
  fit <- coxph(reformulate(terms, quote(Surv(start, stop, begins))), u, ties = ties, control = control)
  base <- basehaz(fit, centered = FALSE); jump <- diff(c(0, base$hazard)); on <- jump > 0
  x <- model.matrix(reformulate(terms), u)[, -1, drop = FALSE]
  none <- survfit(Surv(start, stop, begins) ~ 1, u)
  alone <- sapply(base$time[on], function(t) { k <- which(none$time == t); none$n.event[k] / none$n.risk[k] })
  list(rows = u, relative = drop(exp(x %*% coef(fit))), time = base$time[on], jump = jump[on], alone = alone)
}
# The hazard of one patient at each jump, from the row in which it lies
gains <- function(h, id) { mine <- which(h$rows$id == id)
  sapply(seq_along(h$time), function(j) { r <- mine[h$rows$start[mine] < h$time[j] & h$time[j] <= h$rows$stop[mine]]; if (length(r)) h$relative[r] * h$jump[j] else 0 }) }

stacked <- function(rows, day, every, last = Inf, horizon = Inf, terms = NULL, ties = "efron", stabilised = FALSE) {
  h <- if (is.null(terms)) NULL else starting(rows, day, terms, ties)
  ids <- unique(rows$id); end <- tapply(rows$stop, rows$id, max)[as.character(ids)]; ev <- tapply(rows$ev, rows$id, function(v) v[length(v)])
  gain <- if (is.null(h)) NULL else lapply(ids, function(i) gains(h, i))
  seen <- is.finite(day) & (day < end | (day == end & ev == 0))
  starts <- sort(unique(floor(day[seen & day >= 0] / every) * every)); starts <- starts[starts <= last]
  out <- list()
  for (s in starts) for (i in ids) {
    mine <- rows[rows$id == i, ]
    there <- which(mine$start <= s & s < mine$stop)
    if (!length(there) || day[i] < s) next
    before <- which(mine$start < s & s <= mine$stop); at <- mine[if (length(before)) before else there, ]
    r <- data.frame(trial = s, at[setdiff(names(at), c("start", "stop", "ev"))])
    if (seen[i] && day[i] < s + every) { leave <- min(end[i], day[i] + horizon)  # treated, from the treatment on
      if (leave > day[i]) out[[length(out) + 1]] <- cbind(r, arm = 1, art = FALSE, odds = 1, origin = day[i], start = day[i], stop = leave, ev = if (leave == end[i]) ev[i] else 0, w = 1) }
    leave <- min(end[i], s + horizon, day[i]); if (leave <= s) next
    art <- (day[i] < end[i] || (day[i] == end[i] && ev[i] == 0)) && day[i] <= s + horizon
    state <- if (leave == end[i]) ev[i] else 0; a <- s; b <- leave; w <- 1; odds <- 1
    if (!is.null(h)) { g <- gain[[i]]; cuts <- h$time[h$time > s & h$time < leave]; a <- c(s, cuts); b <- c(cuts, leave)
      w <- sapply(b, function(t) { k <- h$time > s & h$time < t; exp(sum(g[k]) - if (stabilised) sum(h$alone[k]) else 0) })
      x <- h$relative[h$rows$id == i & h$rows$start == at$start]
      odds <- exp(x * sum(h$jump[h$time == s])) - exp(-x * sum(h$jump[h$time > s & h$time < s + every])) }
    out[[length(out) + 1]] <- cbind(r[rep(1, length(b)), ], arm = 0, art, odds, origin = s, start = a, stop = b, ev = c(rep(0, length(b) - 1), state), w = w)
  }
  do.call(rbind, out)
}
truncated <- function(d, q) { last <- !duplicated(d[c("trial", "id", "arm")], fromLast = TRUE)
  cap <- quantile(d$w[last & d$arm == 0], q); d$w <- ifelse(d$arm == 0, pmin(d$w, cap), d$w); d }
ratio <- function(d, terms = NULL, cause = 1, ties = "efron") {
  f <- as.formula(paste("Surv(start, stop, ev ==", cause, ") ~", paste(c("arm", terms, "strata(trial)"), collapse = "+")))
  fit <- coxph(f, d, weights = w, cluster = id, ties = ties, control = control); s <- summary(fit)$coefficients
  c(estimate = s["arm", "coef"], std_error = s["arm", "robust se"]) }
standardised <- function(d) { first <- !duplicated(d[c("trial", "id", "arm")])
  up <- tapply(ifelse(d$arm == 1, d$odds, 0)[first], d$trial[first], sum); down <- tapply(ifelse(d$arm == 0, d$odds, 0)[first], d$trial[first], sum)
  ok <- names(up)[up > 0 & down > 0]; d <- d[as.character(d$trial) %in% ok, ]; k <- as.character(d$trial)
  d$w <- d$w * ifelse(d$arm == 1, 1, d$odds * (up / down)[k]); d }
risk <- function(d, horizon) { d <- standardised(d); out <- list()
  for (arm in 1:0) { x <- d[d$arm == arm, ]; a <- x$start - x$origin; b <- x$stop - x$origin; S <- 1; F <- c(0, 0); mean <- 0; from <- 0
    for (t in sort(unique(b[x$ev > 0]))) { y <- sum(x$w[a < t & b >= t]); mean <- mean + S * (t - from); from <- t
      dk <- sapply(1:2, function(k) sum(x$w[b == t & x$ev == k])); F <- F + S * dk / y; S <- S * (1 - sum(dk) / y) }
    out[[c("no_treat", "treat")[arm + 1]]] <- c(risk = F[1], competing = F[2], rmst = mean + S * (horizon - from)) }
  # the product-limit and Aalen-Johansen estimates of survfit on the same weighted rows
  if (!any(d$ev == 2)) { km <- summary(survfit(Surv(start - origin, stop - origin, ev) ~ arm, d, weights = w), times = horizon - 1e-9)
    stopifnot(isTRUE(all.equal(1 - km$surv, c(out$no_treat[["risk"]], out$treat[["risk"]]), tolerance = 1e-9))) }
  lapply(out, as.list) }
apart <- function(d) sapply(c("before", "after"), function(when) { x <- d[d$start == d$origin, ]; y <- if (when == "after") standardised(d) else transform(x, w = 1)
  y <- y[y$start == y$origin, ]; a <- y$arm == 1; v <- function(z) mean((z - mean(z))^2)
  (weighted.mean(y$age[a], y$w[a]) - weighted.mean(y$age[!a], y$w[!a])) / sqrt((v(y$age[a]) + v(y$age[!a])) / 2) })

describe <- function(rows, day, terms, horizon, q, ties = "efron", ...) {
  d <- stacked(rows, day, horizon = horizon, terms = terms, ties = ties, ...); crude <- transform(d, w = 1)
  d <- if (is.null(terms)) d else truncated(d, q); first <- !duplicated(d[c("trial", "id", "arm")]); last <- !duplicated(d[c("trial", "id", "arm")], fromLast = TRUE)
  found <- list(trials = length(unique(d$trial)), entries = c(sum(d$arm[first] == 1), sum(d$arm[first] == 0)),
    artificially_censored = sum(d$art[last]), adjusted = as.list(ratio(d, terms, ties = ties)), unadjusted = as.list(ratio(crude, ties = ties)))
  if (any(d$ev == 2)) found$cause <- as.list(ratio(d, terms, 2, ties))
  if (is.finite(horizon)) found$risk <- risk(d, horizon)
  if (!is.null(terms)) { found$largest_weight <- max(d$w[last & !d$art & d$arm == 0]); found$weighted <- as.list(ratio(standardised(d), ties = ties)); found$difference <- as.list(apart(d)) }
  found
}
cases <- list()
cases$heart_daily <- describe(heart, heart_day, NULL, Inf, 1, every = 1)
cases$heart_weekly <- describe(heart, heart_day, NULL, 365, 1, every = 7)
cases$heart_daily_adjusted <- describe(heart, heart_day, c("age", "surgery"), 365, .99, every = 1, last = 90)
cases$heart_weekly_adjusted <- describe(heart, heart_day, c("age", "surgery"), Inf, 1, every = 7, stabilised = TRUE)
cases$heart_breslow <- describe(heart, heart_day, c("age", "surgery"), 365, .9, every = 30, ties = "breslow")
cases$marrow_weekly <- describe(marrow, marrow_day, c("age", "recovered"), 730, .95, every = 7)
cases$marrow_daily <- describe(marrow, marrow_day, c("age", "recovered"), 365, 1, every = 1, last = 180)

# The treatment as a state: untreated 0, relapse 1, death 2, treated 3, relapse after 4, death after 5 (no event: cens)
moves <- function(rows, day) do.call(rbind, lapply(split(rows, rows$id), function(m) { i <- m$id[1]; a <- min(m$start); b <- max(m$stop); v <- m$ev[nrow(m)]; T <- day[i]
  goes <- T < b | (T == b & v == 0); to <- function(k) if (v == 0) "cens" else as.character(v + k)
  if (!goes) return(data.frame(id = i, from = "0", to = to(0), entry = a, exit = b))
  r <- data.frame(id = i, from = "0", to = "3", entry = a, exit = T); if (T < b) rbind(r, data.frame(id = i, from = "3", to = to(3), entry = T, exit = b)) else r }))
state <- function(rows, day, times) {
  m <- moves(rows, day); tra <- matrix(FALSE, 6, 6, dimnames = list(0:5, 0:5)); tra[1, 2:4] <- TRUE; tra[4, 5:6] <- TRUE
  used <- sort(unique(c(m$from, m$to[m$to != "cens"]))); tra <- tra[used, used]
  fit <- etm(transform(m, entry = entry - EARLY, exit = exit - EARLY), used, tra, "cens", s = 0)
  at <- sapply(times, function(t) max(which(fit$time + EARLY <= t)))
  m$event <- factor(m$to, c("cens", used[-1])); sf <- survfit(Surv(entry, exit, event) ~ 1, m, id = id, istate = factor(from, used))
  pick <- sapply(times, function(t) max(which(sf$time <= t)))
  stopifnot(isTRUE(all.equal(unname(fit$est[1, , at]), unname(t(sf$pstate[pick, match(used, c("0", sf$states[sf$states != "0"]))])), tolerance = 1e-9)))
  se <- sapply(at, function(k) sapply(used, function(u) sqrt(fit$cov[paste("0", u), paste("0", u), k])))
  rate <- function(f, k) { r <- m[m$from == f, ]; d <- sum(r$to == k); p <- poisson.test(d, sum(r$exit - pmax(r$entry, 0))); c(p$estimate, p$conf.int) }
  td <- coxph(Surv(entry, exit, to %in% c("1", "4")) ~ I(from == "3"), m, control = control)
  u <- m[m$from == "0", ]; alone <- survfit(Surv(entry, exit, factor(to, c("cens", "1", "2"))) ~ 1, transform(u, to = ifelse(to == "3", "cens", to)), id = id)
  list(time = times, states = used, probability = t(fit$est[1, , at]), std_error = t(se), rate = unname(rbind(rate("3", "4"), rate("0", "1"))),
       log_hazard_ratio = unname(c(coef(td), sqrt(vcov(td)))), hypothetical = unname(summary(alone, times = max(times))$pstate[1, 2]))
}
dfs <- transform(plain, ev = as.integer(ev > 0))
cases$state_heart <- state(heart, heart_day, c(90, 365))
cases$state_dfs <- state(dfs, marrow_day, c(100, 730))
cases$state_relapse <- state(plain, marrow_day, c(100, 730))
versions <- sapply(c("survival", "KMsurv", "etm"), function(p) as.character(packageVersion(p)))
head <- list(R = R.version.string, versions = as.list(versions))
lines <- c(sapply(names(head), function(n) sprintf('"%s": %s', n, toJSON(head[[n]], auto_unbox = TRUE))),
           sapply(names(cases), function(n) sprintf('"%s": %s', n, toJSON(cases[[n]], digits = I(17), auto_unbox = TRUE, na = "null"))))
writeLines(c("{", paste0(lines, c(rep(",", length(lines) - 1), "")), "}"), "expected.json")
