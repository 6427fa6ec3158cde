import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AGENT,
  agent,
  agentFile,
  base,
  bin,
  data,
  etc,
  home,
  idOf,
  installer,
  installService,
  prefix,
  ROOT,
  read,
  removeService,
  root,
  run,
  SERVICE,
  SUCCESSOR,
  unable,
} from '../support/service-machine.ts'

describe.skipIf(unable !== null)(
  `an installation with --service-user, later${unable === null ? '' : `: ${unable}`}`,
  () => {
    let port: number

    beforeAll(async () => {
      ;({ port } = await installService())
    }, 300_000)
    afterAll(removeService, 60_000)

    it('keeps keys and evidence when run again, follows no link that an agent laid, and takes over what it could change', () => {
      const precious = join(base, 'precious')
      const mine = join(home, 'mine.yaml')
      writeFileSync(precious, 'of root', { mode: 0o600 })
      writeFileSync(
        mine,
        'version: 1\nname: mine\ndefault_decision: review\nrules: [{ tool: shell.rm, decision: block }]\n',
      )
      const files = ['agent.json', 'client.json', 'installation.key', 'log.key'].map((name) => join(etc, name))
      const before = files.map((file) => readFileSync(file, 'utf8'))
      rmSync(agentFile)
      symlinkSync(precious, agentFile)
      const bad = join(home, 'bad.yaml')
      writeFileSync(bad, 'version: 1\nname: bad\nrulez: []\n')
      expect(installer('--service-user', SERVICE, '--agent-user', AGENT, '--policy', bad).stderr).toContain(
        'not put in force',
      )
      expect(root('aegisctl', ['status']).stdout).toMatch(/policies +pr-writer/)
      const again = installer('--service-user', SERVICE, '--agent-user', AGENT, '--policy', mine)
      expect(again.stdout + again.stderr).toContain('review by mine')
      expect(again.status).toBe(0)
      expect(readFileSync(precious, 'utf8')).toBe('of root')
      expect(lstatSync(agentFile)).toMatchObject({ uid: idOf(AGENT, '-u') })
      expect(lstatSync(agentFile).isSymbolicLink()).toBe(false)
      expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before)
      expect(root('aegisctl', ['logs']).stdout).toContain('shell.rm')
      expect(statSync(join(etc, 'policy.yaml')).uid).toBe(idOf(SERVICE, '-u'))
      expect(readFileSync(join(etc, 'aegis.yaml'), 'utf8')).toContain(`policy: ${etc}/policy.yaml`)
    }, 300_000)

    /** What an agent may make of the folder that its key is put into, and what root is told of it. */
    const laid: readonly (readonly [string, () => string, string])[] = [
      ['a link to a folder of root', () => `ln -s ${base}/roots .config/aegis`, 'it is a link'],
      ['a link to nowhere', () => 'ln -s /nowhere/at/all .config/aegis', 'it is a link'],
      ['a file', () => 'touch .config/aegis', 'it is no folder that they may enter'],
      ['a folder that nobody may write to', () => 'mkdir -m 500 .config/aegis', 'they may not write there'],
      [
        'a folder in the place of the key',
        () => 'mkdir -p .config/aegis/agent.json',
        'agent.json there cannot be replaced',
      ],
    ]
    const putBack = () => agent('chmod -R u+rwx .config; rm -rf .config/aegis')
    const handOn = () => root(join(prefix, 'lib/aegis/install.sh'), ['--hand-on-key'], { AEGIS_PREFIX: '' })

    it('has a server after an upgrade, whatever an agent made of its own folder, and says why the key was not handed on', () => {
      mkdirSync(join(base, 'roots'), { mode: 0o700 })
      putBack()
      agent(`ln -s ${base}/roots .config/aegis`)
      // For the same agents as before: who types the upgrade changes nothing.
      const upgraded = root(join(ROOT, 'install.sh'), ['--service-user', SERVICE], { SUDO_USER: 'nobody' })
      expect(upgraded.status).toBe(1)
      expect(upgraded.stderr).toContain(`could not be put into ${home}/.config/aegis: it is a link`)
      expect(upgraded.stderr).toContain('The server runs')
      expect(upgraded.stderr).toContain(`sudo ${prefix}/lib/aegis/install.sh --hand-on-key`)
      expect(root('aegisctl', ['status'])).toMatchObject({ status: 0 })
      expect(readdirSync(join(base, 'roots'))).toEqual([])
      agent('rm .config/aegis')
      expect(handOn()).toMatchObject({ status: 0 })
      expect(agent('aegis doctor')).toMatchObject({ status: 0 })
    }, 300_000)

    it.each(laid)('hands the key on through no hindrance: %s', (_, line, why) => {
      putBack()
      agent(line())
      expect(handOn()).toMatchObject({ status: 1, stderr: expect.stringContaining(why) })
      expect(readdirSync(join(base, 'roots'))).toEqual([])
      putBack()
      expect(handOn()).toMatchObject({ status: 0 })
      expect(read(agentFile).agent_key).toBe(read(join(etc, 'agent.json')).agent_key)
    })

    it('starts the server again where an upgrade fails after it was stopped', () => {
      const words = ['--service-user', SERVICE, '--github-app-id', 'x', '--github-app-key', join(base, 'nothing')]
      const failed = installer(...words)
      expect(failed.status).not.toBe(0)
      expect(root('aegisctl', ['status'])).toMatchObject({ status: 0 })
      const other = join(bin, 'aegis')
      const ours = readFileSync(other, 'utf8')
      writeFileSync(other, 'somebody else’s')
      expect(installer('--service-user', SERVICE).stderr).toContain(`${other} exists and is not ours`)
      writeFileSync(other, ours)
      expect(root('aegisctl', ['status'])).toMatchObject({ status: 0 })
    }, 300_000)

    it('says, where the key of the agents is rotated, how they get the new one', () => {
      const keys = JSON.parse(root('aegisctl', ['keys', 'list', '--json']).stdout) as Record<string, string>[]
      const id = keys.find(({ role, state }) => role === 'agent' && state === 'active')?.['id'] ?? ''
      const rotated = root('aegisctl', ['keys', 'rotate', id])
      expect(rotated).toMatchObject({
        status: 0,
        stderr: expect.stringContaining(`${etc}/agent.json holds the new secret`),
      })
      const [said = '', command = ''] = /still has the old one: sudo (.*) gives them/.exec(rotated.stderr) ?? []
      expect(said + rotated.stderr).not.toContain(rotated.stdout.trim())
      expect(agent('aegis doctor')).toMatchObject({ status: 1 })
      expect(root('sh', ['-c', command])).toMatchObject({ status: 0 })
      expect(read(agentFile).agent_key).toBe(rotated.stdout.trim())
      expect(agent('aegis doctor')).toMatchObject({ status: 0 })
      expect(agent(command)).toMatchObject({ status: 2, stderr: expect.stringContaining('needs root') })
    })

    it('ends the key of the user that agents ran as before, and takes their copy away', () => {
      const successor = join(base, 'successor')
      spawnSync('useradd', ['--create-home', '--home-dir', successor, '--user-group', SUCCESSOR])
      const { agent_key: before } = read(agentFile)
      const changed = installer('--service-user', SERVICE, '--agent-user', SUCCESSOR)
      expect(changed).toMatchObject({ status: 0, stdout: expect.stringContaining(`removed ${agentFile}`) })
      expect(existsSync(agentFile)).toBe(false)
      const file = join(successor, '.config/aegis/agent.json')
      const whoami = (key: string) => {
        const own = { AEGIS_ADMIN_URL: `http://127.0.0.1:${port + 1}`, AEGIS_API_KEY: key }
        return agent('aegisctl keys list', '', own).stderr
      }
      expect(statSync(file).uid).toBe(idOf(SUCCESSOR, '-u'))
      expect(whoami(before)).toContain('does not know this key')
      expect(whoami(read(file).agent_key)).toContain('role admin')
      expect(agent(`ls ${run}/agents.sock`).stderr).toMatch(/[Pp]ermission denied/)

      // And back: the one who loses it lays a link to a file of root's, which stays what it is.
      const precious = join(base, 'service-key')
      writeFileSync(precious, `"service_user": "${SERVICE}"`, { mode: 0o600 })
      rmSync(file)
      symlinkSync(precious, file)
      const back = installer('--service-user', SERVICE, '--agent-user', AGENT)
      expect(back).toMatchObject({ status: 0, stdout: expect.stringContaining(`! left as it is`) })
      expect(existsSync(precious)).toBe(true)
      expect(agent('aegis doctor')).toMatchObject({ status: 0 })
      expect(readFileSync(join(prefix, 'lib/aegis/installed'), 'utf8')).toContain("former_agents=''")
    }, 300_000)

    describe('where root has an installation of its own beside it', () => {
      const own = (...words: readonly string[]) =>
        root(join(ROOT, 'install.sh'), words, { AEGIS_CONFIG_DIR: '', AEGIS_DATA_DIR: '' })
      const folders = [join(base, 'root/.config/aegis'), join(base, 'root/.local/share/aegis')] as const
      const evidence = [join(folders[1], 'aegis.db'), join(data, 'aegis.db')]

      it('removes neither before it is told which', () => {
        expect(own('--no-start', '--port', String(port + 4), '--admin-port', String(port + 5))).toMatchObject({
          status: 0,
        })
        const asked = own('--uninstall', '--purge')
        expect(asked.status).toBe(2)
        for (const folder of [...folders, etc, data, `--service-user ${SERVICE}`, '--own']) {
          expect(asked.stderr).toContain(folder)
        }
        expect(own('--uninstall', '--purge', '--service-user', 'other')).toMatchObject({ status: 2 })
        expect(installer('--uninstall', '--purge', '--own')).toMatchObject({ status: 2 })
        expect(evidence.map((file) => existsSync(file))).toEqual([true, true])
        expect(root('aegisctl', ['status'])).toMatchObject({ status: 0 })
      }, 120_000)

      it('removes its own alone with --own, and names the folders before and after', () => {
        const removed = own('--uninstall', '--purge', '--own')
        expect(removed.status).toBe(0)
        expect(removed.stdout).toContain(
          `removing with all keys and evidence what Aegis made in ${folders.join(' and ')}`,
        )
        expect(removed.stdout).toContain(`removed configuration, keys and evidence: ${folders.join(', ')}`)
        expect(folders.map((folder) => existsSync(folder))).toEqual([false, false])
        expect(evidence.map((file) => existsSync(file))).toEqual([false, true])
        expect(root('aegisctl', ['status'])).toMatchObject({ status: 0 })
      }, 60_000)
    })

    it('is undone without the evidence, unless that is asked for', () => {
      const undone = installer('--uninstall')
      expect(undone.status).toBe(0)
      for (const path of [etc, data, `user ${SERVICE}`, `${prefix}/lib/aegis/installed`]) {
        expect(undone.stdout.slice(undone.stdout.indexOf('kept: '))).toContain(path)
      }
      expect([bin, 'lib/aegis/dist'].map((name) => existsSync(resolve(prefix, name, 'aegis')))).toEqual([false, false])
      expect(existsSync(agentFile)).toBe(false)
      expect(existsSync(run)).toBe(false)
      expect(existsSync(join(data, 'aegis.db'))).toBe(true)
      expect(spawnSync('pgrep', ['-u', SERVICE]).status).toBe(1)
      const [before = '', after = ''] = installer('--uninstall', '--purge').stdout.split('removed configuration')
      for (const path of [etc, data]) expect([before, after].map((text) => text.includes(path))).toEqual([true, true])
      expect([etc, data, join(prefix, 'lib/aegis')].map((path) => existsSync(path))).toEqual([false, false, false])
      expect(spawnSync('id', [SERVICE]).status).not.toBe(0)
    }, 60_000)
  },
)
