import { type ComponentChildren, createContext } from 'preact'
import { useCallback, useContext, useState } from 'preact/hooks'

type Tone = 'good' | 'bad'
type ShowToast = (text: string, tone?: Tone) => void

const ToastContext = createContext<ShowToast>(() => {})
const shownAfterMs = 120
const shownForMs = 6_000

/** Says in passing, to the eye and to a screen reader, that something is done. */
export function useToast (): ShowToast {
  return useContext(ToastContext)
}

export function Toasts ({ children }: { readonly children: ComponentChildren }) {
  const [toasts, setToasts] = useState<readonly { readonly id: number, readonly text: string, readonly tone: Tone }[]>([])
  const show = useCallback<ShowToast>((text, tone = 'good') => {
    const id = Math.random()
    // Once a dialog that led to it is closed: it would keep screen readers from hearing this.
    setTimeout(() => setToasts(toasts => [...toasts.slice(-2), { id, text, tone }]), shownAfterMs)
    setTimeout(() => setToasts(toasts => toasts.filter(toast => toast.id !== id)), shownForMs)
  }, [])
  return (
    <ToastContext.Provider value={show}>
      {children}
      <div class='toasts' role='status' aria-live='polite'>
        {toasts.map(({ id, text, tone }) => <p key={id} class={`toast toast-${tone}`}>{text}</p>)}
      </div>
    </ToastContext.Provider>
  )
}
