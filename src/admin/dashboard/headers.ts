/**
 * Nothing from elsewhere, nothing inline, in no frame: what a reviewer sees and presses here is ours, whatever an agent wrote
 * into it (Content Security Policy Level 3; Fetch "Cross-Origin-Resource-Policy").
 */
const PROTECTION = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  // Nothing is told to other sites; `no-referrer` would blank the Origin by which our own forms are known.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

export function pageHeaders(): Headers {
  return new Headers({ ...PROTECTION, 'cache-control': 'no-store', 'content-type': 'text/html; charset=utf-8' })
}

/** For a file whose address holds the hash of its content. */
export function assetHeaders(type: string): Headers {
  const kept = { 'cache-control': 'public, max-age=31536000, immutable', 'content-type': `${type}; charset=utf-8` }
  return new Headers({ ...PROTECTION, ...kept })
}

/** For a file that a person keeps; it is never shown as a page. */
export function downloadHeaders(type: string, name: string): Headers {
  const plain = name.replace(/[^A-Za-z0-9._-]/g, '-')
  const given = { 'content-type': type, 'content-disposition': `attachment; filename="${plain}"` }
  return new Headers({ ...PROTECTION, 'cache-control': 'no-store', ...given })
}

export function streamHeaders(): Headers {
  const given = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  }
  return new Headers({ ...PROTECTION, ...given })
}
