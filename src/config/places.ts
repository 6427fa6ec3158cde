import { isAbsolute, join } from 'node:path'
import { AegisError } from '../core/errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where an installation keeps its files. Config and data are apart: one is written by people, the other by the server. */
export interface Places {
  readonly configDir: string
  readonly dataDir: string
  /** `aegis.yaml`. */
  readonly configFile: string
  /** 32 random bytes in hex, 0600: seals what must be unreadable at rest. */
  readonly installationKey: string
  /** The private key that signs checkpoints, PKCS#8 PEM, 0600. */
  readonly logKey: string
  /** Whom a verifier believes: the log's public keys. For everybody to read and to pin. */
  readonly logTrust: string
  /** The gateway's own memory of the last checkpoint it signed. */
  readonly lastCheckpoint: string
  /** What `aegisctl` reads, 0600: address and admin key. */
  readonly clientFile: string
  /** What `aegis mcp` and `aegis hook` read, 0600: address and agent key. */
  readonly agentFile: string
  /** Unix socket of the server, 0600. */
  readonly socket: string
  readonly pidFile: string
  readonly logFile: string
}

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, the closing NUL among them. */
const SOCKET_PATH_MAX = 103

/**
 * The directories by `AEGIS_CONFIG_DIR`, `AEGIS_DATA_DIR`, else the XDG base directory specification
 * (a relative XDG path is ignored, as it demands), else below `home`.
 * @throws AegisError `config` where there is no home or the socket's path would not fit.
 */
export function findPlaces(env: Environment, home: string): Places {
  const configDir = directory(env, home, 'AEGIS_CONFIG_DIR', 'XDG_CONFIG_HOME', '.config')
  const dataDir = directory(env, home, 'AEGIS_DATA_DIR', 'XDG_DATA_HOME', join('.local', 'share'))
  return {
    configDir,
    dataDir,
    configFile: join(configDir, 'aegis.yaml'),
    installationKey: join(configDir, 'installation.key'),
    logKey: join(configDir, 'log.key'),
    logTrust: join(configDir, 'log.vkey'),
    lastCheckpoint: join(dataDir, 'log.checkpoint'),
    clientFile: join(configDir, 'client.json'),
    agentFile: join(configDir, 'agent.json'),
    socket: socketPath(env, dataDir),
    pidFile: join(dataDir, 'aegis.pid'),
    logFile: join(dataDir, 'aegis.log'),
  }
}

export function isSocketPath(path: string): boolean {
  return isAbsolute(path) && Buffer.byteLength(path) <= SOCKET_PATH_MAX
}

function directory(env: Environment, home: string, own: string, xdg: string, below: string): string {
  const chosen = env[own]
  if (chosen) {
    if (isAbsolute(chosen)) return chosen
    throw new AegisError('config', `${own} is not an absolute path: ${JSON.stringify(chosen)}`, {
      advice: `Set ${own} to a path that starts with /.`,
    })
  }
  const base = env[xdg]
  if (base && isAbsolute(base)) return join(base, 'aegis')
  if (home && isAbsolute(home)) return join(home, below, 'aegis')
  throw new AegisError('config', 'there is no home directory to keep the configuration in', {
    advice: `Set HOME, or ${own}.`,
  })
}

function socketPath(env: Environment, dataDir: string): string {
  const path = env['AEGIS_SOCKET'] || join(dataDir, 'aegis.sock')
  if (isSocketPath(path)) return path
  throw new AegisError(
    'config',
    `the unix socket's path must be absolute and at most ${SOCKET_PATH_MAX} bytes: ${path}`,
    {
      advice: 'Set AEGIS_SOCKET to a shorter path in a directory that only you can enter.',
    },
  )
}
