-- Reconciliation in one statement: the reference that the self-checks of the points ledger are held against.
-- One pass over the ledger and one over its allocations: the balance of each card against the sum of its movements and
-- of what remains of them, and what remains of each movement against what was allocated to it.
--
-- Written: nothing.  Returned: number of cards, and of rows, that differ.
WITH book AS (
    SELECT card_id,
           sum(qty) FILTER (WHERE unfolded IS NOT TRUE) AS qty,
           sum(remaining) AS remaining,
           bool_or(unfolded IS NOT TRUE AND remaining IS NULL) AS unmatched
      FROM loyalty_history
     GROUP BY card_id
),
moved AS (
    -- no row both gives and takes
    SELECT award_id AS id, -sum(qty) AS qty FROM loyalty_allocation GROUP BY award_id
     UNION ALL
    SELECT consumer_id, sum(qty) FROM loyalty_allocation GROUP BY consumer_id
)
SELECT (SELECT count(*)
          FROM loyalty_card card
          LEFT JOIN book ON book.card_id = card.id
         WHERE card.is_member
           AND (round(COALESCE(card.points, 0)::numeric, 2) <> COALESCE(book.qty, 0)
                OR COALESCE(book.qty, 0) <> COALESCE(book.remaining, 0)
                OR book.unmatched)) AS cards,
       (SELECT count(*)
          FROM loyalty_history movement
          JOIN loyalty_card card ON card.id = movement.card_id
          LEFT JOIN moved ON moved.id = movement.id
         WHERE card.is_member AND movement.remaining IS NOT NULL
           AND movement.qty + COALESCE(moved.qty, 0) <> movement.remaining) AS movements
