# Golden figures of a treatment that counts in a state: survival::myeloid, start-stop rows by tmerge. Run in this folder.
suppressMessages({library(survival); library(jsonlite)})
control <- coxph.control(eps = 1e-11, iter.max = 50)
m <- myeloid
cases <- list()
cox <- function(name, data) {
  f <- coxph(Surv(tstart, tstop, event) ~ hsct, data, control = control)
  cases[[name]] <<- list(coef = unname(coef(f)), se = unname(sqrt(vcov(f)[1, 1])), n = length(unique(data$id)),
    events = f$nevent, treated = length(unique(data$id[data$hsct == 1])))
}
# From diagnosis: any transplant; the endpoint is death.
cox("any", tmerge(m[c("id", "trt")], m, id = id, event = event(futime, death), hsct = tdc(txtime)))

# From the first remission: the transplant in it, and not after a relapse; then any transplant.
cr <- subset(m, !is.na(crtime) & crtime < futime)
cr$left <- cr$futime - cr$crtime
cr$relapse <- ifelse(!is.na(cr$rltime) & cr$rltime >= cr$crtime, cr$rltime - cr$crtime, NA)
cr$any <- ifelse(!is.na(cr$txtime) & cr$txtime >= cr$crtime, cr$txtime - cr$crtime, NA)
cr$first <- ifelse(is.na(cr$relapse) | cr$relapse > cr$any, cr$any, NA)
cr$free <- pmin(cr$left, cr$relapse, na.rm = TRUE)
cr$ends <- ifelse(is.na(cr$relapse), cr$death, 1)
cox("os_first", tmerge(cr[c("id", "trt")], cr, id = id, event = event(left, death), hsct = tdc(first)))
cox("os_any_from_cr", tmerge(cr[c("id", "trt")], cr, id = id, event = event(left, death), hsct = tdc(any)))
cox("lfs_first", tmerge(cr[c("id", "trt")], cr, id = id, event = event(free, ends), hsct = tdc(first)))

# Remission as a function of time, relapse as well, from diagnosis: three time-varying columns at once.
d <- tmerge(m[c("id", "trt")], m, id = id, event = event(futime, death), hsct = tdc(txtime), cr = tdc(crtime), rl = tdc(rltime))
f <- coxph(Surv(tstart, tstop, event) ~ hsct + cr + rl, d, control = control)
cases$columns <- list(coef = unname(coef(f)), se = unname(sqrt(diag(vcov(f)))))

counts <- list(transplants = sum(!is.na(m$txtime)),
  no_remission = sum(!is.na(m$txtime) & (is.na(m$crtime) | m$crtime > m$txtime)),
  relapsed = sum(!is.na(m$txtime) & !is.na(m$rltime) & m$rltime <= m$txtime))
one <- function(x) toJSON(x, auto_unbox = TRUE, digits = 17)
lines <- c(paste0('"R": ', one(R.version.string)), paste0('"survival": ', one(as.character(packageVersion("survival")))),
  paste0('"counts": ', one(counts)), sapply(names(cases), function(n) paste0('"', n, '": ', one(cases[[n]]))))
writeLines(c("{", paste(lines, collapse = ",\n"), "}"), "expected.json")
