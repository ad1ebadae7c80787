import { unwatchFile, watchFile } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { ConfigError } from './config-error.ts'
import { type ConfigOverrides, loadConfig } from './load.ts'

export interface ConfigFileOptions {
  readonly file: string
  readonly overrides: ConfigOverrides
  readonly logger: Logger
  /** Called with a configuration that is whole and differs from the one before. What it throws counts as a fault of the file. */
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
  readonly #started: Config
  #config: Config
  #isCurrent = true

  constructor (config: Config, options: ConfigFileOptions) {
    this.#started = config
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
    const before = this.#config
    const wasCurrent = this.#isCurrent
    try {
      const config = loadConfig(file, overrides)
      if (!isDeepStrictEqual(config, before)) {
        onChange(config)
        this.#config = config
      }
      this.#isCurrent = true
    } catch (err) {
      this.#isCurrent = false
      // Faults say where they are; a stack says nothing more of them.
      logger.error(err instanceof ConfigError ? { faults: err.message.split('\n') } : { err, file }, 'the configuration file is faulty; the one before stays in force')
      return
    }
    if (this.#config !== before) this.#logChange(before)
    else if (!wasCurrent) logger.info({ file }, 'the configuration file is whole again')
  }

  #logChange (before: Config): void {
    const { file, logger } = this.#options
    const { routes, upstreams } = this.#config
    const differs = (section: typeof fixedSections[number], from: Config) => !isDeepStrictEqual(this.#config[section], from[section])
    const waiting = fixedSections.filter(section => differs(section, this.#started) && differs(section, before))
    if (waiting.length > 0) logger.warn({ file, sections: waiting }, 'these sections of the configuration take effect at the next start')
    logger.info({ file, routes: routes.length, upstreams: upstreams.length }, 'the configuration was reloaded')
  }

  close (): void {
    unwatchFile(this.#options.file, this.#onStat)
  }
}
