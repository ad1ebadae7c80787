import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Icon, type IconName } from './parts/icon.tsx'
import { Logo } from './parts/logo.tsx'
import { useSession } from './session.ts'
import { useLoad } from './state/use-load.ts'

const sections: readonly { readonly path: string, readonly label: string, readonly icon: IconName }[] = [
  { path: '/', label: 'Overview', icon: 'overview' },
  { path: '/keys', label: 'Keys', icon: 'key' },
  { path: '/routes', label: 'Routes', icon: 'routes' },
  { path: '/audit', label: 'Audit log', icon: 'audit' },
]

const healthEveryMs = 30_000
const troubleEveryMs = 5_000

/** What surrounds every view: the way to the others, whose token this is, and how the gateway is. */
export function Shell ({ path, isReached, failures, children }: {
  readonly path: string
  /** Whether the last call of any view was answered. */
  readonly isReached: boolean
  /** Calls that the gateway failed at: each is a reason to ask how it is. */
  readonly failures: number
  readonly children: ComponentChildren
}) {
  const { api, token, canWrite, gateway: first, signOut } = useSession()
  const [isWell, setIsWell] = useState(true)
  const { data, error } = useLoad(signal => api.gateway(signal), [api, failures], { refreshMs: isWell && isReached ? healthEveryMs : troubleEveryMs })
  const gateway = data ?? first
  const isReady = isReached && error === null && gateway.isReady
  useEffect(() => setIsWell(isReady), [isReady])
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)

  // A new view is read from its title, as a new page would be.
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false
      return
    }
    scrollTo(0, 0)
    main.current?.querySelector('h1')?.focus({ preventScroll: true })
  }, [path])

  return (
    <div class='shell'>
      {/* Not a link: its address would take the place of the view's. */}
      <button type='button' class='skip' onClick={() => main.current?.focus()}>Skip to the content</button>
      <header class='side'>
        <a class='brand' href='#/'><Logo />Latchkey</a>
        <nav class='nav' aria-label='Sections'>
          <ul>
            {sections.map(section => (
              <li key={section.path}>
                <a href={`#${section.path}`} aria-current={isWithin(path, section.path) ? (path === section.path ? 'page' : 'true') : undefined}>
                  <Icon name={section.icon} /><span>{section.label}</span>
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class='side-foot'>
          <p class={isReady ? 'health' : 'health health-bad'}>
            <span class='health-dot' aria-hidden='true' />
            {!isReached || error !== null ? 'Gateway unreachable' : isReady ? 'Gateway ready' : 'Gateway not ready'}
          </p>
          <div class='who'>
            <p><span class='who-name' title={token.name}>{token.name}</span><span class='who-rights'>{canWrite ? 'Read and write' : 'Read only'}</span></p>
            <button type='button' class='icon-button' aria-label='Sign out' title='Sign out' onClick={signOut}><Icon name='out' /></button>
          </div>
        </div>
      </header>
      <div class='body'>
        <main ref={main} class='main' tabIndex={-1}>{children}</main>
        <footer class='foot'>
          <span>Latchkey {gateway.version}</span>
          <a href='docs'>API reference</a>
          <a href='metrics'>Metrics</a>
          <a href='healthz'>Health</a>
          <a href='readyz'>Readiness</a>
        </footer>
      </div>
    </div>
  )
}

function isWithin (path: string, section: string): boolean {
  return section === '/' ? path === '/' : path === section || path.startsWith(`${section}/`)
}
