import t from 'tap'
import { type BadInput, refusesAll } from './bad-input.ts'

const report = ['usage', 'report']
const exported = ['usage', 'export']

const kinds: Readonly<Record<string, BadInput>> = {
  'a report of something else': { args: ['usage', 'report', 'trafic'], says: /too many arguments/ },
  'a dimension that there is none': { args: [...report, '--by', 'weather'], says: /--by <what>.*Allowed choices are key, user, route, status, class, hour, day, month/ },
  'four dimensions': { args: [...report, '--by', 'key', '--by', 'route', '--by', 'status', '--by', 'day'], says: /At most three/ },
  'an order by a time that is not asked for': { args: [...report, '--by', 'key', '--sort', 'time'], says: /--sort time needs hour, day or month in --by/ },
  'a period without its unit': { args: [...report, '--since', '7'], says: /--since <time>.*how long ago, such as 12h or 7d/ },
  'a period that ends before it begins': { args: [...report, '--since', '1d', '--until', '2d'], says: /--since must be before --until/ },
  'a status of no class': { args: [...report, '--status', '9xx'], says: /A status is a number such as 404, or a class such as 5xx/ },
  'a route that is a path': { args: [...report, '--route', '/inventory'], says: /A route is named by its id/ },
  'two formats at once': { args: [...report, '--json', '--csv'], says: /cannot be used with option '--csv'/ },
  'a page of more rows than there may be': { args: [...report, '--limit', '10001'], says: /whole number from 1 to 10000/ },
  'a report on a key that is none': { args: [...report, '--key', 'sk_live_zzzz'], says: /No key has the prefix sk_live_zzzz/ },
  'a report on a user who is none': { args: ['usage', 'report', 'idle-keys', '--user', 'nobody@example.com'], says: /No user has the email nobody@example.com/ },
  'scopes of a configuration that is missing': { args: ['usage', 'report', 'unused-scopes', '--config', 'nowhere.yaml'], says: /nowhere\.yaml: no such file/ },
  'an export of another format': { args: [...exported, '--format', 'xml'], says: /Allowed choices are ndjson, csv/ },
  'an export from a cursor of another system': { args: [...exported, '--cursor', 'abc'], says: /--cursor <id>.*the id of a row/ },
  'an export from beyond all ids': { args: [...exported, '--cursor', '9007199254740993'], says: /the id of a row/ },
  'an export that goes on with nothing': { args: [...exported, '--resume'], says: /add --output FILE/ },
  'an export that goes on in two places': { args: [...exported, '--output', 'x', '--resume', '--cursor', '1'], says: /cannot be used with option '--cursor/ },
  'an export that goes on with a file of another form': { args: [...exported, '--format', 'csv', '--no-header', '--output', 'x', '--resume'], says: /cannot be used with option '--resume'/ },
  'an export of a period that ends before it begins': { args: [...exported, '--since', '2030-01-02', '--until', '2030-01-01'], says: /--since must be before --until/ },
  'an export into a folder': { args: [...exported, '--output', 'folder', '--resume'], says: /folder: it is a folder/ },
}

refusesAll(t, kinds, { folder: {} })
