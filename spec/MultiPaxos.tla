------------------------------ MODULE MultiPaxos ------------------------------
(***************************************************************************)
(* Multi-Paxos: Paxos for each position of a log, with the first phase     *)
(* once for all of them, and a log that is executed in order.              *)
(*                                                                         *)
(* Lamport, "Paxos Made Simple", 2001, section 3: cited as PMS.  Van       *)
(* Renesse and Altinbuken, "Paxos Made Moderately Complex", 2015: cited as *)
(* PMMC.  What holds of disks and of messages is as in Paxos.tla.          *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Acceptor,
    Replica,    \* who executes the log
    Command,
    NoOp,       \* what fills a position for which a leader has nothing
    Nothing,
    MaxBallot,
    MaxSlot

VARIABLES
    promised,   \* by acceptor: the highest ballot it has heard of
    accepted,   \* by acceptor and slot: <<ballot, value>> of its latest vote
    msgs,
    executed    \* by replica: what it has executed, in order

vars == <<promised, accepted, msgs, executed>>

Ballot == 1..MaxBallot
Slot == 1..MaxSlot
Value == Command \cup {NoOp}
Majority(Q) == 2 * Cardinality(Q) > Cardinality(Acceptor)
Send(m) == msgs' = msgs \cup {m}

Init ==
    /\ promised = [a \in Acceptor |-> 0]
    /\ accepted = [a \in Acceptor |-> [s \in Slot |-> <<0, Nothing>>]]
    /\ msgs = {}
    /\ executed = [r \in Replica |-> <<>>]

-----------------------------------------------------------------------------
(* Phase 1, of all slots at once                                           *)

\* PMS 3; PMMC 2.3, scout
Prepare(b) ==
    /\ Send([type |-> "prepare", ballot |-> b])
    /\ UNCHANGED <<promised, accepted, executed>>

\* The answer tells the latest vote in each slot.  PMMC 2.3, acceptor
Promise(a, m) ==
    /\ m.type = "prepare"
    /\ m.ballot > promised[a]
    /\ promised' = [promised EXCEPT ![a] = m.ballot]
    /\ Send([type |-> "promise", ballot |-> m.ballot, from |-> a, votes |-> accepted[a]])
    /\ UNCHANGED <<accepted, executed>>

-----------------------------------------------------------------------------
(* Phase 2, slot by slot                                                   *)

Promises(b) == {m \in msgs : m.type = "promise" /\ m.ballot = b}

\* What the leader of b knows of slot s from those counted is binding: the value
\* of the latest vote.  A slot below a known one of which it knows nothing is
\* filled; in one beyond it proposes what it is asked for.  PMS 3
Propose(b, s, v) ==
    /\ ~\E m \in msgs : m.type = "accept" /\ m.ballot = b /\ m.slot = s
    /\ \E S \in SUBSET Promises(b) :
        LET voted == {m \in S : m.votes[s][1] > 0}
            later == \E m \in S, t \in Slot : t > s /\ m.votes[t][1] > 0
        IN  /\ Majority({m.from : m \in S})
            /\ IF voted # {}
               THEN \E m \in voted : m.votes[s][2] = v /\ \A n \in voted : n.votes[s][1] <= m.votes[s][1]
               ELSE v = NoOp <=> later
    /\ Send([type |-> "accept", ballot |-> b, slot |-> s, value |-> v])
    /\ UNCHANGED <<promised, accepted, executed>>

\* PMMC 2.3, acceptor
Accept(a, m) ==
    /\ m.type = "accept"
    /\ m.ballot >= promised[a]
    /\ accepted[a][m.slot][1] < m.ballot
    /\ promised' = [promised EXCEPT ![a] = m.ballot]
    /\ accepted' = [accepted EXCEPT ![a][m.slot] = <<m.ballot, m.value>>]
    /\ Send([type |-> "accepted", ballot |-> m.ballot, slot |-> m.slot, from |-> a, value |-> m.value])
    /\ UNCHANGED executed

-----------------------------------------------------------------------------
(* Execution                                                               *)

Voters(b, s, v) ==
    {a \in Acceptor : [type |-> "accepted", ballot |-> b, slot |-> s, from |-> a, value |-> v] \in msgs}
Chosen(s) == {v \in Value : \E b \in Ballot : Majority(Voters(b, s, v))}

\* Slot by slot, without a gap.  PMS 3; PMMC 2.2, replica
Execute(r) ==
    LET s == Len(executed[r]) + 1
    IN  /\ s \in Slot
        /\ \E v \in Chosen(s) : executed' = [executed EXCEPT ![r] = Append(@, v)]
        /\ UNCHANGED <<promised, accepted, msgs>>

Next ==
    \/ \E b \in Ballot : Prepare(b) \/ \E s \in Slot, v \in Value : Propose(b, s, v)
    \/ \E a \in Acceptor, m \in msgs : Promise(a, m) \/ Accept(a, m)
    \/ \E r \in Replica : Execute(r)

Spec == Init /\ [][Next]_vars
LiveSpec == Spec /\ WF_vars(Next)

-----------------------------------------------------------------------------
(* Invariants                                                              *)

TypeOK ==
    /\ promised \in [Acceptor -> 0..MaxBallot]
    /\ accepted \in [Acceptor -> [Slot -> ({0} \X {Nothing}) \cup (Ballot \X Value)]]
    /\ \A r \in Replica : executed[r] \in Seq(Value) /\ Len(executed[r]) <= MaxSlot

Agreement == \A s \in Slot : Cardinality(Chosen(s)) <= 1

\* Two replicas have executed the same, as far as both have come.
SameOrder == \A r, q \in Replica : \A s \in 1..MaxSlot :
    s <= Len(executed[r]) /\ s <= Len(executed[q]) => executed[r][s] = executed[q][s]

OneValueABallot == \A m, n \in msgs :
    m.type = "accept" /\ n.type = "accept" /\ m.ballot = n.ballot /\ m.slot = n.slot => m.value = n.value

-----------------------------------------------------------------------------
(* Temporal properties                                                     *)

ChosenStays == [][\A s \in Slot : Chosen(s) \subseteq Chosen(s)']_vars
ExecutedStays == [][\A r \in Replica : SubSeq(executed'[r], 1, Len(executed[r])) = executed[r]]_vars

\* Ballots end, and the last of them fills the log.
Termination == <>(\A r \in Replica : Len(executed[r]) = MaxSlot)

Alike == Permutations(Acceptor) \cup Permutations(Replica) \cup Permutations(Command)
=============================================================================
