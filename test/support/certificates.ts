import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

export interface Certificate {
  /** PEM. */
  readonly cert: string
  readonly key: string
}

export interface CertificateFields {
  /** Names and IPv4 addresses that it is for. */
  readonly names?: readonly string[]
  readonly from?: Date
  readonly to?: Date
  readonly isAuthority?: boolean
  /** Whose key signs it; left out: its own. */
  readonly issuer?: Certificate & { readonly name: string }
}

const dayMs = 86_400_000

/** An X.509 certificate (RFC 5280) with a key of its own, of just the fields that TLS clients look at. */
export function makeCertificate (name: string, { names = [], from, to, isAuthority = false, issuer }: CertificateFields = {}): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const extensions = [
    ...isAuthority ? [extension('551d13', sequence(der(0x01, Buffer.of(0xff))))] : [],
    ...names.length > 0 ? [extension('551d11', sequence(...names.map(alternativeName)))] : [],
  ]
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ecdsaWithSha256,
    distinguishedName(issuer?.name ?? name),
    sequence(time(from ?? new Date(Date.now() - dayMs)), time(to ?? new Date(Date.now() + dayMs))),
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions))
  )
  const signer: KeyObject = issuer === undefined ? privateKey : createPrivateKey(issuer.key)
  const whole = sequence(body, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.of(0), sign('sha256', body, signer)])))
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function der (tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), content])
}

function sequence (...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts)
}

function objectId (hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'))

function distinguishedName (commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectId('550403'), der(0x0c, Buffer.from(commonName)))))
}

function extension (id: string, value: Buffer): Buffer {
  return sequence(objectId(id), der(0x04, value))
}

function alternativeName (name: string): Buffer {
  return isIP(name) === 4 ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name))
}

function time (date: Date): Buffer {
  return der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`))
}
