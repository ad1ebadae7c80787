export * from './traffic-query.ts'
