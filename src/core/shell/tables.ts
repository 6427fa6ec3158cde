import type { Capability } from '../envelope.ts'

/** Commands whose effect is known by their name; every other command is `execute`. */
const DELETES = ['rm', 'rmdir', 'unlink', 'shred', 'srm', 'wipe']
const READS = [
  ...['ls', 'cat', 'tac', 'nl', 'grep', 'egrep', 'fgrep', 'rg', 'ag', 'head', 'tail', 'less', 'more', 'wc', 'diff'],
  ...['cmp', 'comm', 'stat', 'file', 'du', 'df', 'pwd', 'echo', 'printf', 'tree', 'find', 'fd', 'sort', 'uniq', 'cut'],
  ...['tr', 'basename', 'dirname', 'realpath', 'readlink', 'which', 'whoami', 'id', 'date', 'uname', 'true', 'false'],
  ...['test', '[', 'jq', 'md5sum', 'sha1sum', 'sha256sum', 'cksum', 'od', 'xxd', 'hexdump', 'strings', 'column', 'seq'],
]

export const COMMAND_CAPABILITIES: ReadonlyMap<string, Capability> = new Map<string, Capability>([
  ...DELETES.map((name): [string, Capability] => [name, 'delete']),
  ...READS.map((name): [string, Capability] => [name, 'read']),
])

/** Commands whose operands are files, whatever they look like: `cat id_rsa`, `rm build`. */
export const FILE_COMMANDS: ReadonlySet<string> = new Set([
  ...DELETES,
  ...[
    'cat',
    'tac',
    'nl',
    'head',
    'tail',
    'less',
    'more',
    'wc',
    'diff',
    'cmp',
    'comm',
    'stat',
    'file',
    'du',
    'ls',
    'tree',
  ],
  ...['sort', 'uniq', 'cut', 'readlink', 'realpath', 'md5sum', 'sha1sum', 'sha256sum', 'cksum', 'od', 'xxd', 'hexdump'],
  ...['strings', 'column', 'cp', 'mv', 'ln', 'install', 'tee', 'touch', 'mkdir', 'chmod', 'chown', 'chgrp', 'truncate'],
  ...[
    'cd',
    'pushd',
    'find',
    'bat',
    'base64',
    'base32',
    'zip',
    'gzip',
    'gunzip',
    'tar',
    'split',
    'rev',
    'fold',
    'source',
    '.',
  ],
  ...['git-add', 'git-blame', 'git-rm', 'git-mv'],
])

/** Commands whose operands are text, never files. */
export const TEXT_COMMANDS: ReadonlySet<string> = new Set([
  'echo',
  'printf',
  'true',
  'false',
  'seq',
  'basename',
  'dirname',
])

/** Directories whose programs may be taken for what they are called; `./ls` or `/tmp/ls` may be anything. */
export const TRUSTED_BINS: ReadonlySet<string> = new Set([
  ...['/bin', '/usr/bin', '/usr/local/bin', '/sbin', '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'],
])

/** Builtins that change what later words mean, or run text: what follows them was not what it seemed. */
export const REBINDING: ReadonlySet<string> = new Set([
  ...['eval', 'source', '.', 'trap', 'alias', 'unalias', 'hash', 'enable', 'bind', 'complete', 'export', 'declare'],
  ...['typeset', 'readonly', 'local', 'set', 'shopt', 'unset', 'read', 'mapfile', 'readarray', 'getopts', 'let', 'fc'],
])

/** Programs that carry a command, a script or a session inside their arguments which is not analysed. */
export const CARRIERS: ReadonlySet<string> = new Set([
  ...['su', 'ssh', 'at', 'batch', 'crontab', 'tmux', 'screen', 'systemd-run', 'watch', 'parallel', 'script', 'expect'],
  ...[
    'socat',
    'nc',
    'ncat',
    'netcat',
    'telnet',
    'flock',
    'chroot',
    'nsenter',
    'unshare',
    'strace',
    'ltrace',
    'gdb',
    'lldb',
  ],
  ...[
    'vi',
    'vim',
    'nvim',
    'view',
    'ex',
    'ed',
    'emacs',
    'nano',
    'runuser',
    'pkexec',
    'start-stop-daemon',
    'entr',
    'fish',
  ],
  ...[
    'dbus-run-session',
    'ld.so',
    'proot',
    'fakeroot',
    'firejail',
    'bwrap',
    'xterm',
    'open',
    'xdg-open',
    'csh',
    'tcsh',
  ],
])

/** Shells whose `-c` text is read with the same grammar. */
export const SHELLS: ReadonlySet<string> = new Set(['bash', 'sh', 'zsh', 'dash', 'ksh', 'ash', 'mksh', 'rbash'])

export const INTERPRETERS =
  /^(?:python|pypy|perl|ruby|php|lua|luajit|node|deno|bun|tclsh|wish|osascript|rscript|pwsh|powershell|julia|ghci|irb|guile)[\d.]*$/i

/** How a wrapper's own arguments end and the wrapped command begins. */
export interface Wrapper {
  /** Short options without a value. */
  readonly flags: string
  /** Short options with a value. */
  readonly valued: string
  /** Long options: `name` without, `name=` with a value. */
  readonly long: readonly string[]
  /** Operands of its own before the command (`timeout 5s`). */
  readonly operands: number
  /** Why the wrapped command is doubted even where it is literal. */
  readonly doubt: string | null
}

function wrapper(
  flags: string,
  valued: string,
  long: string[] = [],
  operands = 0,
  doubt: string | null = null,
): Wrapper {
  return { flags, valued, long, operands, doubt }
}

export const WRAPPERS: ReadonlyMap<string, Wrapper> = new Map(
  Object.entries({
    sudo: wrapper('ABbEeHiKklNnPSVs', 'CDghpRrTtUu', [
      ...[
        'user=',
        'group=',
        'host=',
        'prompt=',
        'chdir=',
        'login',
        'shell',
        'non-interactive',
        'preserve-env',
        'set-home',
      ],
    ]),
    doas: wrapper('Lns', 'Cu'),
    env: wrapper('i0v', 'uC', ['ignore-environment', 'unset=', 'chdir=', 'null', 'debug']),
    nice: wrapper('', 'n', ['adjustment=']),
    ionice: wrapper('t', 'cn', ['class=', 'classdata=', 'ignore']),
    nohup: wrapper('', ''),
    setsid: wrapper('cfw', '', ['ctty', 'fork', 'wait']),
    timeout: wrapper('v', 'ks', ['kill-after=', 'signal=', 'foreground', 'preserve-status', 'verbose'], 1),
    time: wrapper('pvaq', 'fo', ['format=', 'output=', 'append', 'verbose', 'portability']),
    stdbuf: wrapper('', 'ieo', ['input=', 'output=', 'error=']),
    command: wrapper('pvV', ''),
    builtin: wrapper('', ''),
    exec: wrapper('cl', 'a'),
    busybox: wrapper('', ''),
    toybox: wrapper('', ''),
    xargs: wrapper(
      '0oprtx',
      'adEIiLnPs',
      [
        'null',
        'arg-file=',
        'delimiter=',
        'replace=',
        'max-args=',
        'max-procs=',
        'max-lines=',
        'no-run-if-empty',
        'verbose',
      ],
      0,
      'xargs adds operands from its input',
    ),
    caffeinate: wrapper('dimsu', 'tw'),
  } satisfies Record<string, Wrapper>),
)

/** Options of otherwise harmless commands that write a file or start a program. Long ones are matched by any abbreviation. */
export const RISKY_OPTIONS: ReadonlyMap<string, { readonly short: string; readonly long: readonly string[] }> = new Map(
  Object.entries({
    sort: { short: 'oT', long: ['output', 'compress-program', 'temporary-directory', 'files0-from'] },
    tree: { short: 'oR', long: ['output'] },
    rg: { short: 'f', long: ['pre', 'hostname-bin', 'file', 'search-zip'] },
    ag: { short: '', long: ['pager'] },
    fd: { short: 'xX', long: ['exec', 'exec-batch'] },
    // `date -f` quotes each line of the file that is no date.
    date: { short: 'sf', long: ['set', 'file'] },
    less: { short: 'oOkT', long: ['log-file', 'LOG-FILE', 'lesskey-file', 'tag-file'] },
    file: { short: 'C', long: ['compile'] },
    xxd: { short: 'r', long: ['revert'] },
    tar: {
      short: 'IF',
      long: [
        'checkpoint-action',
        'to-command',
        'use-compress-program',
        'info-script',
        'new-volume-script',
        'rsh-command',
      ],
    },
    printf: { short: 'v', long: [] },
    make: { short: 'fCIE', long: ['eval', 'file', 'makefile', 'directory', 'include-dir'] },
    npm: { short: 'C', long: ['script-shell', 'prefix', 'node-options', 'userconfig', 'globalconfig', 'call'] },
    cargo: { short: 'CZ', long: ['config', 'manifest-path'] },
    wc: { short: '', long: ['files0-from'] },
    du: { short: '', long: ['files0-from'] },
  }),
)
