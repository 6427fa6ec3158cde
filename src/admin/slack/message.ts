import { wasWithdrawn } from '../../approvals/approvals.ts'
import type { Approval, Vote } from '../../core/approval.ts'
import { sessionLabel } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import { reviewerName } from '../../core/reviewer-name.ts'
import { summaryOf } from '../../oversight/summary.ts'
import { escaped, header, lines, moment, type Piece, pieces, plain, said, words } from './blocks.ts'

/** The buttons of a message, and the modal they open. */
export const ACTIONS = {
  approve: 'aegis_approve',
  comment: 'aegis_approve_comment',
  deny: 'aegis_deny',
  open: 'aegis_open',
} as const

export interface SlackMessage {
  /** What a notification shows; parsed by Slack, so that it is escaped. */
  readonly text: string
  readonly blocks: readonly JsonObject[]
}

const TITLES = {
  pending: 'Approval needed',
  approved: 'Approved',
  redeemed: 'Approved',
  denied: 'Denied',
  expired: 'Expired',
} as const satisfies Record<Approval['status'], string>

/** An approval as it stands now: what will run, how far it reaches, and the buttons while it waits. */
export function approvalMessage(approval: Approval, pageUrl: string): SlackMessage {
  const title = titleOf(approval)
  const pending = approval.status === 'pending'
  return {
    text: `${title}: ${escaped(toolName(approval))}`,
    blocks: [
      header(title),
      ...(pending ? [lines(pieces(summaryOf(approval)))] : []),
      lines(...facts(approval)),
      ...(approval.justification === null || !pending
        ? []
        : [lines([words('The agent says: ', 'italic'), said(approval.justification)])]),
      ...(approval.votes.length > 0 || !pending ? [lines(...outcome(approval))] : []),
      ...(pending ? [buttons(approval, pageUrl)] : []),
    ],
  }
}

/** In the thread, where its time is nearly over, and where it is. */
export function threadText(approval: Approval, event: 'reminder' | 'expired'): SlackMessage {
  const line =
    event === 'reminder'
      ? [words('This still waits for a reviewer, until '), moment(approval.expiresAt), words('.')]
      : [words(wasWithdrawn(approval) ? 'The agent no longer asks for this.' : 'Nobody decided in time: it expired.')]
  const title = event === 'reminder' ? 'Reminder' : titleOf(approval)
  return { text: `${title}: ${escaped(toolName(approval))}`, blocks: [lines(line)] }
}

function titleOf(approval: Approval): string {
  return wasWithdrawn(approval) ? 'Withdrawn' : TITLES[approval.status]
}

/** A tool as it can stand in a text that Slack parses: nothing that marks up, mentions or becomes an emoji. */
function toolName({ tool }: Approval): string {
  return tool.replace(/[^\w./-]/g, '?').slice(0, 120)
}

function facts(approval: Approval): (readonly Piece[])[] {
  const { tool, target, agent, session, matchedRule, policy, status, expiresAt } = approval
  return [
    [label('Tool'), said(tool)],
    ...(target === '' ? [] : [[label('Target'), said(target)]]),
    [label('Agent'), said(agent), words(' in session '), said(sessionLabel(session))],
    [label('Blast radius'), words(blastText(approval), 'bold'), ...reasons(approval)],
    [label('Rule'), said(matchedRule), words(' of policy '), said(policy)],
    ...(approval.head === undefined ? [] : [[label('Commit'), said(approval.head)]]),
    ...(status === 'pending' ? [[label('Expires'), moment(expiresAt)]] : []),
  ]
}

function label(text: string): Piece {
  return words(`${text}: `)
}

function blastText({ blast, risk }: Approval): string {
  const level = /^[a-z]{1,16}$/.test(blast) ? blast : 'unknown'
  return risk === undefined ? level : `${level} (${risk.score} of 100)`
}

/** Reasons name files and branches that the agent chose. */
function reasons({ risk }: Approval): Piece[] {
  return (risk?.reasons ?? []).flatMap((reason, index) => [words(index === 0 ? ': ' : ', '), said(reason)])
}

function outcome(approval: Approval): (readonly Piece[])[] {
  const { status, votes, terms, resolution } = approval
  if (status === 'denied' && resolution !== null) return [byLine('Denied', resolution)]
  if (status === 'expired')
    return [[words(wasWithdrawn(approval) ? 'The agent took it back.' : 'Nobody decided in time.')]]
  const given = votes.map((vote) => byLine('Approved', vote))
  if (status !== 'pending') return given
  return [...given, [words(`${terms.reviewers - votes.length} more needed.`, 'bold')]]
}

function byLine(verb: string, { reviewer, comment }: Pick<Vote, 'reviewer' | 'comment'>): readonly Piece[] {
  const name = said(reviewerName(reviewer))
  return [words(`${verb} by `, 'bold'), name, ...(comment === '' ? [] : [words(': '), said(comment)])]
}

function buttons({ id, blast }: Approval, pageUrl: string): JsonObject {
  const button = (action: string, text: string, more: JsonObject = {}) => {
    return { type: 'button', action_id: action, text: plain(text), value: id, ...more }
  }
  const careful = blast === 'high' || blast === 'critical'
  return {
    type: 'actions',
    block_id: 'aegis_buttons',
    elements: [
      button(ACTIONS.approve, 'Approve', { style: 'primary', ...(careful ? { confirm: sure(blast) } : {}) }),
      button(ACTIONS.deny, 'Deny…', { style: 'danger' }),
      button(ACTIONS.comment, 'Approve with a comment…'),
      button(ACTIONS.open, 'Look at all of it', { url: pageUrl }),
    ],
  }
}

function sure(blast: 'high' | 'critical'): JsonObject {
  return {
    title: plain('Approve this?'),
    text: plain(`Its blast radius is ${blast}. Have you looked at all of it?`),
    confirm: plain('Approve'),
    deny: plain('Not yet'),
    style: 'danger',
  }
}
