import { unwatchFile, watchFile } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { type ConfigOverrides, loadConfig } from './load.ts'

export interface ConfigFileOptions {
  readonly file: string
  readonly overrides: ConfigOverrides
  readonly logger: Logger
  /** Called with a configuration that is whole and differs from the one in force. */
  readonly onChange: (config: Config) => void
  readonly pollMs?: number
}

/** Sections that are read once, at start. */
const fixedSections = ['gateway', 'admin', 'keys', 'usage'] as const

/**
 * Follows the configuration file. Polls its status instead of watching it, which also sees editors that replace
 * the file and Kubernetes that swaps a link. A faulty file leaves the configuration in force as it is.
 */
export class ConfigFile {
  readonly #options: ConfigFileOptions
  readonly #onStat: () => void
  #config: Config
  #isCurrent = true

  constructor (config: Config, options: ConfigFileOptions) {
    this.#config = config
    this.#options = options
    this.#onStat = () => this.reload()
    watchFile(options.file, { interval: options.pollMs ?? 1_000, persistent: false }, this.#onStat)
  }

  /** False while the file has faults that keep it from being the configuration in force. */
  get isCurrent (): boolean {
    return this.#isCurrent
  }

  /** Reads the file now. Never throws: faults are logged and the old configuration stays. */
  reload (): void {
    const { file, overrides, logger, onChange } = this.#options
    let config: Config
    try {
      config = loadConfig(file, overrides)
    } catch (err) {
      this.#isCurrent = false
      logger.error({ err, file }, 'the configuration file is faulty; the one before stays in force')
      return
    }
    this.#isCurrent = true
    if (isDeepStrictEqual(config, this.#config)) return
    const fixed = fixedSections.filter(section => !isDeepStrictEqual(config[section], this.#config[section]))
    if (fixed.length > 0) logger.warn({ file, sections: fixed }, 'these sections of the configuration take effect at the next start')
    this.#config = config
    onChange(config)
    logger.info({ file, routes: config.routes.length, upstreams: config.upstreams.length }, 'the configuration was reloaded')
  }

  close (): void {
    unwatchFile(this.#options.file, this.#onStat)
  }
}
