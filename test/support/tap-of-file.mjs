import { current } from './group-current.ts'

// What `tap` is to a test file of a group: evaluated once for each of them.
export * from 'tap'
export default current.t
