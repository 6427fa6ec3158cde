import type { Command } from 'commander'

/** `rooms`: who may do what in which repository, keys confined to one, and what a room would have done. */
export function register(program: Command): void {
  const rooms = program.command('rooms').description('one room a repository: members, tools by role, keys, shadow mode')
  browsing(rooms)
  changing(rooms)
  keys(rooms.command('key').description('keys confined to the repository of a room'))
}

const ROOM = 'owner/name of the repository, or the id of the room'
const ROLE = 'DEVELOPER, ADMIN or OWNER'

function browsing(rooms: Command): void {
  rooms
    .command('list')
    .description('every room with its mode, permission, members and keys')
    .option('--format <format>', 'table, json or csv')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../rooms.ts')).listRooms(options))
  rooms
    .command('show')
    .description('one room: members, and what each role may not use')
    .argument('<room>', ROOM)
    .option('--json', 'as JSON')
    .action(async (room, options) => (await import('../rooms.ts')).showRoom(room, options))
  rooms
    .command('report')
    .description('what the room allowed, held, rewrote and blocked, or would have where it only watches')
    .argument('<room>', ROOM)
    .option('--since <time>', 'not older than this: 24h, 7d or an RFC 3339 time')
    .option('--format <format>', 'table, json, or csv of every call that would not simply have been allowed')
    .option('--json', 'as JSON')
    .action(async (room, options) => (await import('../room-report.ts')).reportRoom(room, options))
}

function changing(rooms: Command): void {
  rooms
    .command('create')
    .description('make the room of a repository')
    .argument('<repository>', 'owner/name')
    .option('--owner <person>', 'its first OWNER, by the owner text of their keys')
    .option('--mode <mode>', 'observe, warn or enforce', 'enforce')
    .option('--id <slug>', 'a name of your own in place of a random id')
    .option('--json', 'as JSON')
    .action(async (repository, options) => (await import('../rooms.ts')).createRoom(repository, options))
  rooms
    .command('remove')
    .description('take the room away and revoke its keys')
    .argument('<room>', ROOM)
    .option('--json', 'as JSON')
    .action(async (room, options) => (await import('../rooms.ts')).removeRoom(room, options))
  rooms
    .command('mode')
    .description('observe records what would be stopped, warn tells the agent as well, enforce stops it')
    .argument('<room>', ROOM)
    .argument('<mode>', 'observe, warn or enforce')
    .option('--json', 'as JSON')
    .action(async (room, mode, options) => (await import('../rooms.ts')).setMode(room, mode, options))
  rooms
    .command('permission')
    .description('what holds where no rule of the policy matches: allow, hold or deny')
    .argument('<room>', ROOM)
    .option('--read <verdict>', 'for reads: allow, hold or deny')
    .option('--write <verdict>', 'for everything else: allow, hold or deny')
    .option('--none', "leave it to the policy's default")
    .option('--json', 'as JSON')
    .action(async (room, options) => (await import('../rooms.ts')).setPermission(room, options))
  for (const verb of ['allow', 'deny', 'clear'] as const) {
    rooms
      .command(verb)
      .description(TOOL_VERBS[verb])
      .argument('<room>', ROOM)
      .argument('<tool>', 'push_files, issue_read:get_comments, github.merge_pull_request')
      .requiredOption('--role <role>', ROLE)
      .option('--json', 'as JSON')
      .action(async (room, tool, options) => (await import('../rooms.ts')).setTool(verb, room, tool, options))
  }
  const member = rooms.command('member').description('people of a room, by the owner or sponsor text of their keys')
  member
    .command('add')
    .description('add somebody, or give them another role')
    .argument('<room>', ROOM)
    .argument('<person>', 'owner text of their keys')
    .requiredOption('--role <role>', ROLE)
    .option('--json', 'as JSON')
    .action(async (room, person, options) => (await import('../rooms.ts')).addMember(room, person, options))
  member
    .command('remove')
    .argument('<room>', ROOM)
    .argument('<person>', 'owner text of their keys')
    .option('--json', 'as JSON')
    .action(async (room, person, options) => (await import('../rooms.ts')).removeMember(room, person, options))
}

const TOOL_VERBS = {
  allow: "let a role use a tool, so far as the policy does; a method's entry goes before its tool's",
  deny: 'keep a tool from a role, whatever the policy says',
  clear: 'take a tool out of the map of a role',
} as const

function keys(key: Command): void {
  key
    .command('create')
    .description("make an agent's key that reaches this repository alone; its secret is shown once")
    .argument('<room>', ROOM)
    .requiredOption('--role <role>', ROLE)
    .requiredOption('--name <name>', 'for people')
    .option('--sponsor <person>', 'whom the agent acts for (default: you)')
    .option('--json', 'as JSON')
    .action(async (room, options) => (await import('../room-keys.ts')).createKey(room, options))
  key
    .command('list')
    .argument('<room>', ROOM)
    .option('--format <format>', 'table, json or csv')
    .option('--json', 'as JSON')
    .action(async (room, options) => (await import('../room-keys.ts')).listKeys(room, options))
  key
    .command('revoke')
    .description('at once here, within two seconds in other gateways')
    .argument('<room>', ROOM)
    .argument('<key>', 'id of the key, or its name where only one has it')
    .option('--json', 'as JSON')
    .action(async (room, id, options) => (await import('../room-keys.ts')).revokeKey(room, id, options))
}
