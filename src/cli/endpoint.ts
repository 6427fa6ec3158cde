/** Where a server answers, and the key it knows us by. */
export interface Endpoint {
  /** In place of the address: the server then knows that the call came from this machine, and we that it is the server. */
  readonly socket: string | null
  readonly url: string
  /** Empty where the only one is behind a passphrase. */
  readonly key: string
  /** The key behind a passphrase, asked for on the terminal once. `purpose` tells people what it is wanted for. */
  readonly unlock?: (purpose: string) => Promise<Endpoint>
}
