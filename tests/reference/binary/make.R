# Reference numbers for binary, ordinal and paired outcomes. Rscript make.R
suppressPackageStartupMessages({library(MASS); library(pROC); library(jsonlite)})
birthwt$race <- factor(birthwt$race)
ml <- function(formula, data) { f <- glm(formula, binomial, data, control = glm.control(epsilon = 1e-15, maxit = 100)); x <- model.matrix(f); b <- coef(f)
  se <- sqrt(diag(solve(crossprod(x, as.vector(dlogis(x %*% b)) * x)))) # summary.glm has those of the last iteration but one: 2e-10 off
  d <- drop1(f, test = "LRT"); list(estimate = unname(b), se = unname(se), p = unname(2 * pnorm(-abs(b / se))), loglik = as.numeric(logLik(f)),
  null = -f$null.deviance / 2, lrt = d$LRT[-1], lrt_p = d[["Pr(>Chi)"]][-1]) }
# Proportional odds: MASS::polr stops at about seven digits, and its Hessian is numeric; Newton's method from there, with
# the derivatives of log(plogis(a) - plogis(c)) written out, leaves the rounding error alone.
po <- function(formula, data) {
  f <- suppressMessages(eval(bquote(polr(.(formula), data, Hess = TRUE, control = list(reltol = 1e-15, maxit = 2000))))); x <- model.matrix(formula, data)[, -1]; y <- as.integer(model.response(model.frame(formula, data)))
  k <- length(f$zeta); b <- c(f$zeta, coef(f)); D <- function(j) cbind(outer(j, seq_len(k), "=="), -x)
  for (i in 1:8) {
    z <- c(-Inf, b[1:k], Inf); e <- as.vector(x %*% b[-(1:k)]); a <- z[y + 1] - e; cc <- z[y] - e; P <- plogis(a) - plogis(cc)
    fa <- dlogis(a) / P; fc <- dlogis(cc) / P; ga <- dlogis(a) * (1 - 2 * plogis(a)) / P; gc <- dlogis(cc) * (1 - 2 * plogis(cc)) / P
    U <- fa * D(y) - fc * D(y - 1); H <- crossprod(U) - t(D(y)) %*% (ga * D(y)) + t(D(y - 1)) %*% (gc * D(y - 1))
    b <- b + solve(H, colSums(U)) }
  list(zeta = unname(b[1:k]), estimate = unname(b[-(1:k)]), se = unname(sqrt(diag(solve(H)))[-(1:k)]), loglik = sum(log(P)),
    polr = unname(coef(f)), polr_se = unname(sqrt(diag(vcov(f)))[seq_along(coef(f))])) }
# Firth: the penalised likelihood maximised by optim, its limits by uniroot on the profile.
firth <- function(formula, data) {
  x <- model.matrix(formula, data); y <- model.response(model.frame(formula, data)); s <- apply(x, 2, function(v) max(abs(v))); x <- sweep(x, 2, s, "/")
  pl <- function(b) { e <- as.vector(x %*% b); v <- dlogis(e)
    sum(plogis(ifelse(y == 1, e, -e), log.p = TRUE)) + .5 * as.numeric(determinant(crossprod(x, v * x))$modulus) }
  gr <- function(b) { p <- plogis(as.vector(x %*% b)); v <- p * (1 - p); h <- v * rowSums((x %*% solve(crossprod(x, v * x))) * x); colSums((y - p + h * (.5 - p)) * x) }
  top <- function(free, b) { g <- function(t) { b[free] <- t; b }
    o <- list(par = b[free]); for (i in 1:4) o <- optim(o$par, function(t) -pl(g(t)), function(t) -gr(g(t))[free], method = "BFGS", control = list(reltol = 1e-16, maxit = 5000))
    list(b = g(o$par), l = -o$value) }
  q <- ncol(x); all <- top(1:q, rep(0, q)); se <- sqrt(diag(solve(crossprod(x, dlogis(as.vector(x %*% all$b)) * x))))
  prof <- function(j, v) { b <- all$b; b[j] <- v; top(setdiff(1:q, j), b)$l }
  lim <- function(j, sign) { w <- 2 * se[j]; while (prof(j, all$b[j] + sign * w) > all$l - qchisq(.95, 1) / 2) w <- 1.5 * w
    uniroot(function(v) prof(j, v) - all$l + qchisq(.95, 1) / 2, sort(all$b[j] + c(0, sign * w)), tol = 1e-11)$root }
  list(estimate = unname(all$b / s), se = unname(se / s), lower = unname(sapply(2:q, lim, -1) / s[-1]), upper = unname(sapply(2:q, lim, 1) / s[-1]),
    chi2 = sapply(2:q, function(j) 2 * (all$l - prof(j, 0))), loglik = all$l, null = top(1, c(all$b[1], rep(0, q - 1)))$l) }
separated <- data.frame(y = c(0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 1), x = c(1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 7, 10), g = rep(0:1, 6), z = c(1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0))
few <- head(birthwt, 189)[c(1:40, 131:145), ]
one <- function(column) { r <- roc(birthwt$low, birthwt[[column]], direction = "<", quiet = TRUE); c(as.numeric(auc(r)), sqrt(var(r, method = "delong")), as.numeric(ci.auc(r, method = "delong"))[c(1, 3)]) }
pair <- function(a, b) { t <- roc.test(roc(birthwt$low, birthwt[[a]], direction = "<", quiet = TRUE), roc(birthwt$low, birthwt[[b]], direction = "<", quiet = TRUE), method = "delong", paired = TRUE)
  c(unname(t$statistic), t$p.value) }
rank <- function(x, y, ...) { w <- suppressWarnings(wilcox.test(y, x, paired = TRUE, ...)); c(unname(w$statistic), w$p.value) }
hl <- function(x, y) { w <- wilcox.test(y, x, paired = TRUE, exact = TRUE, conf.int = TRUE); c(unname(w$estimate), w$conf.int) }
square <- function(n) matrix(n, 2); tests <- function(n) { m <- suppressWarnings(mcnemar.test(square(n))); c(unname(m$statistic), m$p.value, binom.test(n[2], n[2] + n[3])$p.value) }
immer30 <- immer; ano <- anorexia; long <- data.frame(x = sin(1:60) * 10, y = sin(1:60) * 10 + cos((1:60)^2) * 3 + .7)
cases <- list(
  glm_birthwt = ml(low ~ age + lwt + race + smoke + ht, birthwt), glm_quine = ml(I(Days > 14) ~ Eth + Sex + Age + Lrn, quine),
  polr_housing = po(Sat ~ Infl + Type + Cont, transform(housing[rep(seq_len(nrow(housing)), housing$Freq), ], Infl = factor(Infl, levels = c("High", "Low", "Medium")),
    Type = factor(Type, levels = c("Apartment", "Atrium", "Terrace", "Tower")), Cont = factor(Cont, levels = c("High", "Low")))),
  polr_birthwt = po(factor(pmin(ftv, 3)) ~ age + smoke + lwt, birthwt),
  firth_birthwt = firth(low ~ age + lwt + race + smoke + ht, birthwt), firth_few = firth(low ~ age + ht + ui, few), firth_separated = firth(y ~ x + g + z, separated),
  auc_lwt = one("lwt"), auc_age = one("age"), auc_ptl = one("ptl"), auc_lwt_age = pair("lwt", "age"), auc_age_ptl = pair("age", "ptl"),
  rank_sleep = with(sleep, rank(extra[group == 1], extra[group == 2])), rank_immer = with(immer30, rank(Y1, Y2)), rank_anorexia = with(ano, rank(Prewt, Postwt, digits.rank = 7)), rank_anorexia_unrounded = with(ano, rank(Prewt, Postwt)),
  rank_long = with(long, rank(x, y)), rank_50 = with(long[1:50, ], rank(x, y, exact = TRUE)), hl_50 = with(long[1:50, ], hl(x, y)), hl_9 = with(long[1:9, ], hl(x, y)), rank_9 = with(long[1:9, ], rank(x, y)),
  mcnemar_approval = tests(c(794, 86, 150, 570)), mcnemar_small = tests(c(5, 1, 7, 4)), mcnemar_even = tests(c(5, 3, 3, 4)), mcnemar_one = tests(c(5, 3, 4, 4)),
  fisher_race = fisher.test(table(birthwt$low, birthwt$race))$p.value, fisher_ht = fisher.test(table(birthwt$low, birthwt$ht))$p.value, fisher_ptl = fisher.test(table(birthwt$low, birthwt$ptl))$p.value,
  exact_59_189 = as.numeric(binom.test(59, 189)$conf.int), exact_0_12 = as.numeric(binom.test(0, 12)$conf.int), wilson_59_189 = as.numeric(prop.test(59, 189, correct = FALSE)$conf.int), wilson_12_12 = as.numeric(prop.test(12, 12, correct = FALSE)$conf.int))
versions <- sapply(c("MASS", "pROC"), function(p) as.character(packageVersion(p)))
line <- function(name) paste0(toJSON(name, auto_unbox = TRUE), ": ", toJSON(cases[[name]], digits = I(17)))
cat(paste0("{\"R\": ", toJSON(R.version.string, auto_unbox = TRUE), ",\n\"versions\": ", toJSON(as.list(versions), auto_unbox = TRUE),
  ",\n", paste(sapply(names(cases), line), collapse = ",\n"), "}\n"), file = "expected.json")
