/* global jest */
// On a machine that somebody else keeps busy, one test in thousands meets its time limit. In CI such a test gets one more try, and
// its first failure stays in the log: read it, it may be a bug (the lease that never ended was found that way). At home none does.
if (process.env.CI) jest.retryTimes(1, { logErrorsBeforeRetry: true });
