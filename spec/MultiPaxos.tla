------------------------------ MODULE MultiPaxos ------------------------------
(***************************************************************************)
(* Multi-Paxos: Paxos for each position of a log, with the first phase     *)
(* once for all of them, and a log that is executed in order.              *)
(*                                                                         *)
(* Lamport, "Paxos Made Simple", 2001, section 3: cited as PMS.  Van       *)
(* Renesse and Altinbuken, "Paxos Made Moderately Complex", 2015: cited as *)
(* PMMC.  Lamport, Malkhi and Zhou, "Reconfiguring a State Machine", 2010: *)
(* cited as LMZ.  What holds of disks and of messages is as in Paxos.tla.  *)
(*                                                                         *)
(* A value may name another group of acceptors, of any size: they decide   *)
(* the slots after it.  Behind it nothing is proposed before it is known   *)
(* to be decided: LMZ with an alpha of 1, there alone.                     *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Acceptor,
    Replica,    \* who proposes, and executes the log
    Founders,   \* the acceptors that decide the first slot
    Groups,     \* others that may be chosen
    Command,
    NoOp,       \* what fills a position for which a leader has nothing
    Nothing,
    Ballot,     \* numbers above 0
    MaxSlot

VARIABLES
    promised,   \* by acceptor: the highest ballot it has heard of
    accepted,   \* by acceptor and slot: <<ballot, value>> of its latest vote
    msgs,
    executed    \* by replica: what it has executed, in order

vars == <<promised, accepted, msgs, executed>>

Slot == 1..MaxSlot
Value == [ask : Command \cup {NoOp}, group : {{}}] \cup [ask : {"group"}, group : Groups]
Majority(Q, G) == 2 * Cardinality(Q \cap G) > Cardinality(G)

\* The acceptors of the slot after log l.
Group(l) ==
    LET C == {n \in 1..Len(l) : l[n].group # {}}
    IN  IF C = {} THEN Founders ELSE l[CHOOSE n \in C : \A k \in C : k <= n].group

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

\* The leader of b, r, may propose what it knows to be decided.  Beyond that it goes
\* on slot by slot, as far as it knows who decides.  What it knows of a slot from
\* those counted is binding: the value of the latest vote.  A slot below a known one
\* of which it knows nothing is filled; in one beyond it proposes what it likes.
\* PMS 3; LMZ 4.1
Propose(r, b, s, v) ==
    /\ ~\E m \in msgs : m.type = "accept" /\ m.ballot = b /\ m.slot = s
    /\ IF s <= Len(executed[r]) THEN v = executed[r][s] ELSE
       /\ \A t \in Len(executed[r]) + 1 .. s - 1 : \E m \in msgs :
            m.type = "accept" /\ m.ballot = b /\ m.slot = t /\ m.value.group = {}
       /\ \E S \in SUBSET Promises(b) :
            LET voted == {m \in S : m.votes[s][1] > 0}
                later == \E m \in S, t \in Slot : t > s /\ m.votes[t][1] > 0
            IN  /\ Majority({m.from : m \in S}, Group(executed[r]))
                /\ IF voted # {}
                   THEN \E m \in voted : m.votes[s][2] = v /\ \A n \in voted : n.votes[s][1] <= m.votes[s][1]
                   ELSE later => v.ask = NoOp
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
Chosen(s, G) == {v \in Value : \E b \in Ballot : Majority(Voters(b, s, v), G)}

\* Slot by slot, without a gap.  PMS 3; PMMC 2.2, replica
Execute(r) ==
    LET s == Len(executed[r]) + 1
    IN  /\ s \in Slot
        /\ \E v \in Chosen(s, Group(executed[r])) : executed' = [executed EXCEPT ![r] = Append(@, v)]
        /\ UNCHANGED <<promised, accepted, msgs>>

Next ==
    \/ \E b \in Ballot : Prepare(b) \/ \E r \in Replica, s \in Slot, v \in Value : Propose(r, b, s, v)
    \/ \E a \in Acceptor, m \in msgs : Promise(a, m) \/ Accept(a, m)
    \/ \E r \in Replica : Execute(r)

Spec == Init /\ [][Next]_vars
LiveSpec == Spec /\ WF_vars(Next)

-----------------------------------------------------------------------------
(* Invariants                                                              *)

TypeOK ==
    /\ promised \in [Acceptor -> {0} \cup Ballot]
    /\ accepted \in [Acceptor -> [Slot -> ({0} \X {Nothing}) \cup (Ballot \X Value)]]
    /\ \A r \in Replica : executed[r] \in Seq(Value) /\ Len(executed[r]) <= MaxSlot

\* Nothing else is chosen where something is executed, nor next.
Agreement == \A r \in Replica : \A n \in 0..Len(executed[r]) :
    n < MaxSlot => Cardinality(Chosen(n + 1, Group(SubSeq(executed[r], 1, n)))) <= 1

\* Two replicas have executed the same, as far as both have come.
SameOrder == \A r, q \in Replica : \A s \in 1..MaxSlot :
    s <= Len(executed[r]) /\ s <= Len(executed[q]) => executed[r][s] = executed[q][s]

OneValueABallot == \A m, n \in msgs :
    m.type = "accept" /\ n.type = "accept" /\ m.ballot = n.ballot /\ m.slot = n.slot => m.value = n.value

-----------------------------------------------------------------------------
(* Temporal properties                                                     *)

ChosenStays == [][\A s \in Slot : Chosen(s, Founders) \subseteq Chosen(s, Founders)']_vars
ExecutedStays == [][\A r \in Replica : SubSeq(executed'[r], 1, Len(executed[r])) = executed[r]]_vars

\* Ballots end, and the last of them fills the log.
Termination == <>(\A r \in Replica : Len(executed[r]) = MaxSlot)

Alike == Permutations(Acceptor) \cup Permutations(Replica) \cup Permutations(Command)
=============================================================================
