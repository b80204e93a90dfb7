# One task in R: Rscript fit.R TASK FOLDER REPEATS. Prints one line of JSON; the numbers go to FOLDER/r.TASK.f64.
suppressMessages(library(survival))
arguments <- commandArgs(TRUE)
task <- arguments[1]; folder <- arguments[2]; repeats <- as.integer(arguments[3])
read <- function(name) readBin(file.path(folder, name), "double", file.size(file.path(folder, name)) / 8)
columns <- c("start", "stop", "status", "state", "group", "id", "x1", "x2", "x3", "x4", "x5")
values <- read("data.f64")
d <- as.data.frame(matrix(values, ncol = length(columns), dimnames = list(NULL, columns)))
rm(values)
grid <- read("grid.f64")
x <- as.matrix(d[, c("x1", "x2", "x3", "x4", "x5")])
none <- function(values) c(values, rep(NA_real_, length(values)))
on_grid <- function(time, values, first) c(first, values)[findInterval(grid, time) + 1]
version <- paste("R", getRversion(), "survival", packageVersion("survival"))

if (task == "kaplan_meier") {
  fit <- function() survfit(Surv(stop, status) ~ 1, data = d)
  result <- function(f) {
    survival <- on_grid(f$time, f$surv, 1)
    c(survival, on_grid(f$time, f$std.err, 0) * survival)
  }
} else if (task == "aalen_johansen") {
  d$ending <- factor(d$state, 0:2)
  fit <- function() survfit(Surv(stop, ending) ~ 1, data = d)
  result <- function(f) c(
    on_grid(f$time, f$pstate[, 2], 0), on_grid(f$time, f$pstate[, 3], 0),
    on_grid(f$time, f$std.err[, 2], 0), on_grid(f$time, f$std.err[, 3], 0))
} else if (task == "logrank") {
  fit <- function() survdiff(Surv(stop, status) ~ group, data = d)
  result <- function(f) none(f$chisq)
} else if (task == "gray") {
  version <- paste("R", getRversion(), "cmprsk", packageVersion("cmprsk"))
  fit <- function() cmprsk::cuminc(d$stop, d$state, d$group)
  result <- function(f) none(f$Tests[c("1", "2"), "stat"])
} else if (task == "cox") {
  fit <- if (all(is.infinite(d$start)))
    function() coxph(Surv(stop, status) ~ x1 + x2 + x3 + x4 + x5, data = d)
  else
    function() coxph(Surv(start, stop, status) ~ x1 + x2 + x3 + x4 + x5, data = d)
  result <- function(f) c(coef(f), sqrt(diag(vcov(f))))
} else if (task == "bootstrap") {
  draws <- matrix(read("draws.f64"), nrow = nrow(d))
  y <- Surv(d$stop, d$status)
  one <- function(w) {
    k <- w > 0  # coxph.fit is what coxph calls once it has read the formula
    coxph.fit(x[k, ], y[k], strata = NULL, offset = NULL, init = NULL, control = coxph.control(),
              weights = w[k], method = "efron", rownames = NULL, resid = FALSE)$coefficients
  }
  fit <- function() sapply(1:50, function(b) one(draws[, b]))
  result <- function(f) none(as.vector(f))
}

status <- "/proc/self/status"
memory <- function(what) if (file.exists(status))
  as.numeric(sub("\\D*(\\d+).*", "\\1", grep(what, readLines(status), value = TRUE))) / 1024 else NA_real_
invisible(gc())
if (file.exists("/proc/self/clear_refs")) cat("5", file = "/proc/self/clear_refs")  # forget the peak so far
before <- memory("VmRSS")
first <- system.time(f <- fit(), gcFirst = FALSE)[["elapsed"]]
peak <- memory("VmHWM") - before
writeBin(as.double(result(f)), file.path(folder, paste0("r.", task, ".f64")))
clock <- function() as.numeric(Sys.time())
again <- if (first > 10) numeric(0) else replicate(repeats, {began <- clock(); fit(); clock() - began})
seconds <- if (length(again)) again else first
cat(sprintf('{"seconds": [%s], "peak": %s, "version": "%s"}\n', paste(sprintf("%.6f", seconds), collapse = ", "),
            if (is.na(peak)) "null" else sprintf("%.1f", peak), version))
