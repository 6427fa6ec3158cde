import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { packageVersion } from '../installation.ts'

export interface FileRead {
  readonly tools: number
  readonly text: string
}

/** Reads one file as an agent would: the official MCP client, through the bridge, from the real MCP server behind it. */
export async function readThroughBridge(url: string, key: string, repository: string, path: string): Promise<FileRead> {
  const client = new Client({ name: 'aegis-demo', version: packageVersion() })
  const headers = { authorization: `Bearer ${key}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }))
  try {
    const { tools } = await client.listTools()
    const [owner, repo] = repository.split('/')
    const result = await client.callTool({ name: 'get_file_contents', arguments: { owner, repo, path } })
    return { tools: tools.length, text: contentOf(result) }
  } finally {
    await client.close()
  }
}

function contentOf(result: Awaited<ReturnType<Client['callTool']>>): string {
  const blocks = Array.isArray(result.content) ? result.content : []
  const text = blocks.map((block) => (block.type === 'text' ? block.text : '')).join('')
  if (result.isError) throw new Error(`the upstream answered: ${text}`)
  return fileText(text) ?? text
}

/** server-github answers with the API's object, whose `content` is the file. */
function fileText(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text)
    const content = typeof value === 'object' && value !== null && 'content' in value ? value.content : null
    return typeof content === 'string' ? content : null
  } catch {
    return null
  }
}
