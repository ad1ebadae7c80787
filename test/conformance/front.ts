/** A proxy under test, which leads every path to the raw upstream. */
export interface Front {
  readonly name: string
  readonly url: string
  /** Replaces `{key}`: 46 characters, whether the front reads keys or not. */
  readonly key: string
}
