# Reference numbers for Gray's test. Rscript make.R DIRECTORY, which holds bmtcrr.csv, scrucca2007.csv and aidssi.csv
suppressPackageStartupMessages({library(survival); library(cmprsk); library(KMsurv); library(MASS); library(jsonlite)})
folder <- commandArgs(TRUE)[1]; read <- function(name) read.csv(file.path(folder, name))
data(bmt); bmt$event <- with(bmt, ifelse(d2 == 1, 1, ifelse(d3 == 1, 2, 0)))
mgus2$time <- with(mgus2, ifelse(pstat == 0, futime, ptime)); mgus2$event <- with(mgus2, ifelse(pstat == 0, 2 * death, 1))
bmtcrr <- read("bmtcrr.csv"); scrucca <- read("scrucca2007.csv"); aidssi <- subset(read("aidssi.csv"), !is.na(ccr5))
melanoma <- transform(Melanoma, event = c(1, 0, 2)[status])
gray <- function(...) { tests <- cuminc(...)$Tests; list(chi2 = unname(tests[, "stat"]), df = unname(tests[, "df"])) }
versions <- sapply(c("cmprsk", "survival", "KMsurv", "MASS"), function(p) as.character(packageVersion(p)))
write_json(list(R = R.version.string, versions = as.list(versions), tests = list(
  bmt = with(bmt, gray(t2, event, group)), bmt_rho_1 = with(bmt, gray(t2, event, group, rho = 1)),
  bmt_stratified = with(bmt, gray(t2, event, group, z10)), bmt_stratified_rho_half = with(bmt, gray(t2, event, group, z10, rho = .5)),
  bmtcrr = with(bmtcrr, gray(ftime, Status, D)), scrucca = with(scrucca, gray(ftime, status, dis)),
  aidssi = with(aidssi, gray(time, status, ccr5)), mgus2 = with(mgus2, gray(time, event, sex)),
  melanoma = with(melanoma, gray(time, event, ulcer)), melanoma_stratified = with(melanoma, gray(time, event, ulcer, sex)),
  transplant = with(transplant, gray(futime, as.integer(event) - 1, abo)))),
  "expected.json", digits = 17, auto_unbox = TRUE)
