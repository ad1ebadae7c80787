import type { Test } from 'tap'

/** The test that stands for the file which is being loaded, in a process that runs several. */
export const current: { t: Test | null } = { t: null }
