-- What waits for a person, the riskiest first: the level of its blast radius times 1,000, then its score. What waited before the
-- upgrade has its level alone. Within a text of a record each quote has a backslash before it: no text can pose as the member.
ALTER TABLE approval ADD COLUMN risk INTEGER NOT NULL DEFAULT 0;
--> statement-breakpoint
UPDATE approval SET risk = CASE
  WHEN record LIKE '%"blast":"low"%' THEN 0
  WHEN record LIKE '%"blast":"medium"%' THEN 1000
  WHEN record LIKE '%"blast":"high"%' THEN 2000
  WHEN record LIKE '%"blast":"critical"%' THEN 3000
  ELSE 4000 END
WHERE status = 'pending';
--> statement-breakpoint
CREATE INDEX approval_risk ON approval (status, risk DESC, queued_at, id) WHERE status = 'pending';
