import type { Question, Verdict } from '../../api/types.ts'
import { nameOf } from '../../format/key-fields.ts'
import { lackText, ruleText } from '../../format/scopes.ts'
import { Note } from '../../parts/note.tsx'

/** What the gateway would do, in a sentence, and what it rests on. */
export function VerdictNote ({ question, verdict }: { readonly question: Question, readonly verdict: Verdict }) {
  const { status, code, reason, allow, routeId, requiredScopes, upstream, forwardedPath, reportedCode, key } = verdict
  const isForwarded = status === null
  const held = key?.scopes ?? question.scopes ?? null
  const isLacking = code === 'insufficient_scope' || reportedCode === 'insufficient_scope'
  const lack = isLacking && requiredScopes !== null && held !== null ? lackText(held, requiredScopes) : null
  const rule = requiredScopes === null ? null : ruleText(requiredScopes)
  return (
    <div class='verdict'>
      <Note
        tone={isForwarded ? reportedCode === null ? 'good' : 'warning' : 'bad'}
        title={isForwarded ? `Forwarded to ${upstream ?? 'its upstream'}` : `Refused with ${status} ${code}`}
      >
        <p>{reason}</p>
        <dl class='facts'>
          <div><dt>Request</dt><dd><code class='breakable'>{question.method} {question.host}{question.path}</code></dd></div>
          {key !== null && <div><dt>Key</dt><dd><a href={`#/keys/${key.id}`}>{nameOf(key)}</a>{key.status !== 'active' && `, ${key.status}`}</dd></div>}
          {routeId !== null && <div><dt>Route</dt><dd><code>{routeId}</code></dd></div>}
          {rule !== null && <div><dt>Asks for</dt><dd>{rule}</dd></div>}
          {lack !== null && <div><dt>{key === null ? 'Lacking' : 'The key lacks'}</dt><dd><strong>{lack}</strong></dd></div>}
          {forwardedPath !== null && <div><dt>Upstream gets</dt><dd><code class='breakable'>{forwardedPath}</code></dd></div>}
          {allow !== null && <div><dt>Allowed</dt><dd>{allow}</dd></div>}
          {reportedCode !== null && <div><dt>Reported as</dt><dd><code>{reportedCode}</code></dd></div>}
        </dl>
      </Note>
    </div>
  )
}
