import { AegisError } from '../core/errors.ts'
import { textMember } from '../core/json.ts'
import type { GithubAppConfig } from './credential-config.ts'
import type { ApiAnswer } from './github-api.ts'

const ADVICE: Readonly<Record<number, string>> = {
  401: 'check app_id and private_key_file, and that this machine’s clock is right',
  403: 'see whether the installation is suspended or the rate limit is reached',
  404: 'install the App on this repository, or correct installation_id',
  422: 'grant the App the permissions named, and give it access to this repository',
}

/** GitHub's answer to a request for a token or an installation, told with what to mend. */
export function refusal(
  config: GithubAppConfig,
  { status, body }: ApiAnswer,
  fullName: string,
  scope: string,
): AegisError {
  const said = (textMember(body, 'message') ?? 'no message').replace(/[^ -~]+/g, ' ').slice(0, 200)
  const wanted = scope === '' ? '' : ` (${scope})`
  const text = `GitHub gave App ${config.appId} no token for ${fullName}${wanted}: ${status} ${said}`
  return new AegisError('upstream_unreachable', text, {
    advice: ADVICE[status] ?? 'try again; GitHub or the way to it has a fault',
    data: { sent: false },
  })
}
