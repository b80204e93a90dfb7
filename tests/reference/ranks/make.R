# Reference numbers for ranks of independent patients. Rscript make.R
# Base R has no Jonckheere-Terpstra test. Its statistic is counted pair by pair; its normal p is that of Kendall's test of
# group and value (the same statistic, the same variance with ties in both); its exact p counts every arrangement.
suppressPackageStartupMessages({library(MASS); library(jsonlite)})
pairs_in_order <- function(g, x) { J <- 0; for (i in seq_along(x)) for (j in seq_along(x)) if (g[i] < g[j]) J <- J + (x[i] < x[j]) + .5 * (x[i] == x[j]); J }
arrangements <- function(g) { if (length(g) < 2) return(list(g)); out <- list(); for (v in unique(g)) for (rest in arrangements(g[-match(v, g)])) out[[length(out) + 1]] <- c(v, rest); out }
exact_p <- function(g, x) { g <- g[order(x)]; all <- sapply(arrangements(sort(g)), function(a) pairs_in_order(a, seq_along(a))); J <- pairs_in_order(g, seq_along(g))
  list(p = min(1, 2 * min(mean(all <= J), mean(all >= J))), ways = length(all)) }
sp <- function(x, y, ...) { r <- suppressWarnings(cor.test(x, y, method = "spearman", ...)); list(r = unname(r$estimate), p = r$p.value) }
kw <- function(g, x) { r <- kruskal.test(x, factor(g)); list(h = unname(r$statistic), df = unname(r$parameter), p = r$p.value) }
jt <- function(g, x) list(j = pairs_in_order(g, x), p = cor.test(g, x, method = "kendall", exact = FALSE)$p.value)
small <- list(g = c(0, 0, 1, 1, 1, 2, 2, 3), x = c(1.2, 3.4, 2.1, 5.6, 4.4, 3.9, 8.2, 7.7))
b <- birthwt
ci <- function(r, n) tanh(atanh(r) + c(-1, 1) * qnorm(.975) * sqrt((1 + r^2 / 2) / (n - 3)))
r <- sp(b$age, b$lwt, exact = FALSE)$r
gm <- function(x) { m <- mean(log(x)); s <- sd(log(x)); n <- length(x); c(exp(m), exp(m + c(-1, 1) * qt(.975, n - 1) * s / sqrt(n)), sqrt(exp(s^2) - 1)) }
write(toJSON(list(made_with = list(R = as.character(getRversion()), MASS = as.character(packageVersion("MASS")), script = "make.R"),
  data = small,
  spearman_exact = sp(small$x, rev(small$x), exact = TRUE), spearman_exact_low = sp(small$x, c(3, 1, 2, 5, 4, 8, 6, 7), exact = TRUE),
  spearman_normal = sp(small$x, c(3, 1, 2, 5, 4, 8, 6, 7), exact = FALSE),
  spearman_ties = sp(b$age, b$lwt, exact = FALSE), spearman_limits = ci(r, nrow(b)), spearman_grades = sp(b$race, b$bwt, exact = FALSE),
  kruskal = kw(b$race, b$bwt), kruskal_ties = kw(b$race, b$age), kruskal_small = kw(small$g, small$x),
  jonckheere_ties = jt(b$race, b$age), jonckheere_two = jt(b$smoke, b$bwt), jonckheere_ftv = jt(b$ftv, b$lwt),
  jonckheere_exact = c(j = pairs_in_order(small$g, small$x), exact_p(small$g, small$x)),
  geometric = gm(b$lwt)),
  digits = I(17), auto_unbox = TRUE, pretty = TRUE), "expected.json")
