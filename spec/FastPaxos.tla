------------------------------ MODULE FastPaxos ------------------------------
(***************************************************************************)
(* Fast Paxos: in a fast ballot acceptors vote for what clients send them, *)
(* and spare the way over a coordinator, as long as clients do not collide.*)
(*                                                                         *)
(* Lamport, "Fast Paxos", Distributed Computing 19, 2006: cited as FP.     *)
(* Quorums are sets: see QuorumsMeet.  What holds of disks and of messages *)
(* is as in Paxos.tla.                                                     *)
(*                                                                         *)
(* A coordinator may have several ballots, that follow one another: what   *)
(* is promised to it is promised for all of them, and one of them goes on  *)
(* from a collision in the one before, whose votes are its promises.       *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
    Acceptor,
    Value,
    Nothing,
    Anything,     \* what a coordinator says in a fast ballot: vote for what you are sent
    Fast,         \* the fast ballots
    Ballot,       \* numbers above 0
    Span,         \* ballots of the same multiple of Span are of one coordinator
    ClassicSize,  \* acceptors of a quorum of a classic ballot, and of phase 1
    FastSize      \* acceptors of a quorum of a fast ballot

VARIABLES
    promised,     \* by acceptor: the highest ballot it has heard of
    accepted,     \* by acceptor: <<ballot, value>> of its latest vote
    proposed,     \* what clients have sent
    msgs

vars == <<promised, accepted, proposed, msgs>>

Base(b) == b - (b % Span)   \* what is promised for ballot b
Classic == {Q \in SUBSET Acceptor : Cardinality(Q) >= ClassicSize}
Quorum(b) ==
    IF b \in Fast THEN {Q \in SUBSET Acceptor : Cardinality(Q) >= FastSize} ELSE Classic
Send(m) == msgs' = msgs \cup {m}

Init ==
    /\ promised = [a \in Acceptor |-> 0]
    /\ accepted = [a \in Acceptor |-> <<0, Nothing>>]
    /\ proposed = {}
    /\ msgs = {}

\* FP 2.2.1, assumption (Q): any two quorums of ballots meet, and two of a fast
\* ballot meet within any other.
QuorumsMeet == \A b, c \in Ballot : \A Q \in Quorum(b) \cup Classic, R, S \in Quorum(c) :
    Q \cap R # {} /\ (c \in Fast => Q \cap R \cap S # {})
ASSUME FastSize <= Cardinality(Acceptor) /\ ClassicSize <= Cardinality(Acceptor)

-----------------------------------------------------------------------------

\* A client sends a value to all.  FP 3.1
Ask(v) ==
    /\ v \notin proposed
    /\ proposed' = proposed \cup {v}
    /\ UNCHANGED <<promised, accepted, msgs>>

\* FP 2.1, phase 1 (a)
Prepare(b) ==
    /\ Send([type |-> "prepare", ballot |-> b])
    /\ UNCHANGED <<promised, accepted, proposed>>

\* Once, and not after a later one; a vote in a ballot of that coordinator may have
\* come before.  FP 2.1, phase 1 (b)
Promise(a, m) ==
    /\ m.type = "prepare"
    /\ m.ballot >= promised[a]
    /\ ~\E p \in msgs : p.type = "promise" /\ p.ballot = m.ballot /\ p.from = a
    /\ promised' = [promised EXCEPT ![a] = m.ballot]
    /\ Send([type |-> "promise", ballot |-> m.ballot, from |-> a, vote |-> accepted[a]])
    /\ UNCHANGED <<accepted, proposed>>

\* What may have been chosen in ballot k, given the promises S of the quorum Q: v,
\* if all of Q that some quorum of k has voted for v.  FP 2.2.2, O4
MayBeChosen(S, Q, k, v) == \E R \in Quorum(k) :
    \A m \in S : m.from \in R \cap Q => m.vote = <<k, v>>

\* What the coordinator of b may say, given the promises S: one of each acceptor
\* in Q.  FP 2.2.2, rule for picking the value
Pick(b, S, Q) ==
    LET k == CHOOSE n \in {m.vote[1] : m \in S} : \A m \in S : m.vote[1] <= n
        V == {m.vote[2] : m \in {n \in S : n.vote[1] = k}}
        bound == {v \in V : MayBeChosen(S, Q, k, v)}
        free == proposed \cup (IF b \in Fast THEN {Anything} ELSE {})
    IN  CASE k = 0 -> free
          [] k > 0 /\ Cardinality(V) = 1 -> V
          [] k > 0 /\ Cardinality(V) > 1 /\ bound # {} -> bound
          [] OTHER -> free

\* FP 2.1, phase 2 (a): the first that a coordinator says, of those who promised.
PickFirst(b, v) ==
    /\ ~\E m \in msgs : m.type = "accept" /\ Base(m.ballot) = Base(b)
    /\ \E Q \in Classic :
        LET S == {m \in msgs : m.type = "promise" /\ m.ballot = Base(b) /\ m.from \in Q}
        IN  {m.from : m \in S} = Q /\ v \in Pick(b, S, Q)

\* After a collision in the ballot before, of the same coordinator: nobody votes in it
\* twice, so a vote there is a promise.  FP 3.2
Before(b) == {k \in Ballot : k < b /\ Base(k) = Base(b)}
PickNext(b, v) ==
    /\ Before(b) # {}
    /\ LET k == CHOOSE k \in Before(b) : \A l \in Before(b) : l <= k
       IN  \E Q \in Classic :
            LET V == {m \in msgs : m.type = "accepted" /\ m.ballot = k /\ m.from \in Q}
            IN  /\ {m.from : m \in V} = Q
                /\ v \in Pick(b, {[from |-> m.from, vote |-> <<k, m.value>>] : m \in V}, Q)

Propose(b, v) ==
    /\ ~\E m \in msgs : m.type = "accept" /\ m.ballot = b
    /\ PickFirst(b, v) \/ PickNext(b, v)
    /\ Send([type |-> "accept", ballot |-> b, value |-> v])
    /\ UNCHANGED <<promised, accepted, proposed>>

Vote(a, b, v) ==
    /\ Base(b) >= promised[a]
    /\ accepted[a][1] < b
    /\ promised' = [promised EXCEPT ![a] = Base(b)]
    /\ accepted' = [accepted EXCEPT ![a] = <<b, v>>]
    /\ Send([type |-> "accepted", ballot |-> b, from |-> a, value |-> v])
    /\ UNCHANGED proposed

\* One vote in a ballot: for what the coordinator says, or, if it says Anything, for
\* what a client has sent.  FP 2.1, phase 2 (b); FP 3.1
Accept(a, m, v) ==
    /\ m.type = "accept"
    /\ IF m.value = Anything THEN v \in proposed ELSE v = m.value
    /\ Vote(a, m.ballot, v)

\* An acceptor goes on by itself, in a fast ballot, as if it were the coordinator of
\* that: others may go on with something else.  FP 3.2, uncoordinated recovery
Recover(a, b, v) ==
    /\ b \in Fast /\ v # Anything
    /\ PickNext(b, v)
    /\ Vote(a, b, v)

Next ==
    \/ \E v \in Value : Ask(v)
    \/ \E b \in Ballot : Prepare(Base(b)) \/ \E v \in Value \cup {Anything} : Propose(b, v)
    \/ \E a \in Acceptor, b \in Ballot, v \in Value : Recover(a, b, v)
    \/ \E a \in Acceptor, m \in msgs : Promise(a, m) \/ \E v \in Value : Accept(a, m, v)

Spec == Init /\ [][Next]_vars
LiveSpec == Spec /\ WF_vars(Next)

-----------------------------------------------------------------------------
(* Invariants                                                              *)

Voters(b, v) == {a \in Acceptor : [type |-> "accepted", ballot |-> b, from |-> a, value |-> v] \in msgs}
Chosen == {v \in Value : \E b \in Ballot : \E Q \in Quorum(b) : Q \subseteq Voters(b, v)}

TypeOK ==
    /\ promised \in [Acceptor -> {0} \cup {Base(b) : b \in Ballot}]
    /\ accepted \in [Acceptor -> ({0} \X {Nothing}) \cup (Ballot \X Value)]
    /\ proposed \subseteq Value

Agreement == Cardinality(Chosen) <= 1
Validity == Chosen \subseteq proposed

\* Within a quorum of promises of a collision at most one value may be chosen: what
\* assumption (Q) is for.  FP 2.2.2
OneBound == \A b \in {Base(b) : b \in Ballot} : \A Q \in Classic :
    LET S == {m \in msgs : m.type = "promise" /\ m.ballot = b /\ m.from \in Q}
    IN  \A k \in Ballot : k < b /\ Cardinality(S) = Cardinality(Q) =>
            Cardinality({v \in Value : (\E m \in S : m.vote = <<k, v>>) /\ MayBeChosen(S, Q, k, v)}) <= 1

-----------------------------------------------------------------------------
(* Temporal properties                                                     *)

ChosenStays == [][Chosen \subseteq Chosen']_vars

\* The last ballot is classic, and undisturbed in the end.
Termination == <>(Chosen # {})

Alike == Permutations(Acceptor) \cup Permutations(Value)
=============================================================================
