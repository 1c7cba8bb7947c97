"""The words in which a situation is told: facets and their values.

These names are a contract. They stand in training data (metadata), Rasa slots, rules in ``content/``, evaluation files and transcripts.
"""

from __future__ import annotations

from enum import Enum


class _Word(str, Enum):
    """A value of a facet; equal to, and printed as, its plain string."""

    def __str__(self) -> str:
        return str(self.value)


class Role(_Word):
    """Who the writer is in the situation told."""

    VICTIM = "victim"
    BYSTANDER = "bystander"
    BULLY = "bully"
    PARENT = "parent"
    SUPERVISOR = "supervisor"
    OTHER = "other"


class Kind(_Word):
    """What it is, by the three criteria: intent to harm, repetition, imbalance of power."""

    CYBERBULLYING = "cyberbullying"
    BULLYING = "bullying"
    CONFLICT = "conflict"
    UNCLEAR = "unclear"
    NONE = "none"


#: Kinds of which somebody may tell without wanting anything; with any other, help is always named.
HARMLESS = (Kind.NONE.value, Kind.CONFLICT.value)


class Context(_Word):
    """The social setting in which it happens."""

    SCHOOL = "school"
    SPORT = "sport"
    YOUTH_MOVEMENT = "youth_movement"
    WORK = "work"
    HOME = "home"
    ONLINE = "online"


class Form(_Word):
    """What is done; a situation can have several."""

    EXCLUSION = "exclusion"
    INSULT = "insult"
    GOSSIP = "gossip"
    THREAT = "threat"
    PHYSICAL = "physical"
    IMPERSONATION = "impersonation"
    PUBLIC_SHAMING = "public_shaming"
    IMAGE_SHARING = "image_sharing"
    NUDE_IMAGES = "nude_images"
    SEXTORTION = "sextortion"
    STALKING = "stalking"
    DOXING = "doxing"
    THEFT_DAMAGE = "theft_damage"
    DISCRIMINATION_LGBT = "discrimination_lgbt"
    DISCRIMINATION_RACE = "discrimination_race"
    DISCRIMINATION_DISABILITY = "discrimination_disability"
    HATE_PAGE = "hate_page"
    GAMING = "gaming"
    OTHER = "other"


class Crisis(_Word):
    """A danger that comes before everything else."""

    NONE = "none"
    SUICIDE = "suicide"
    SELFHARM = "selfharm"
    ABUSE = "abuse"
    DANGER = "danger"
    SEXTORTION = "sextortion"


class AgeBand(_Word):
    """Age of the young person concerned; of the writer where an adult tells of themselves."""

    UNDER_12 = "under_12"
    FROM_12_TO_17 = "12_17"
    FROM_18_TO_25 = "18_25"
    OVER_25 = "over_25"


class Tried(_Word):
    """How far help has been sought already: the rungs of the signpost for supervisors (S2, S5 to S8)."""

    NOTHING = "nothing"
    INTERNAL = "internal"
    SUPPORT = "support"
    EXTERNAL = "external"
    INTEGRITY = "integrity"


class Topic(_Word):
    """What is asked for, where somebody asks instead of telling."""

    PREVENTION = "prevention"
    SIGNS = "signs"
    TALK_VICTIM = "talk_victim"
    TALK_BULLY = "talk_bully"
    TALK_PARENTS = "talk_parents"
    APPROACH = "approach"
    NOT_STOPPED = "not_stopped"
    AFTERCARE = "aftercare"
    PRIVACY_EVIDENCE = "privacy_evidence"
    POLICY = "policy"
    REPORTED_BY_OTHER = "reported_by_other"
    DEFINITION = "definition"
    WHY_CYBER_WEIGHS = "why_cyber_weighs"
    FIGURES = "figures"
    RIGHTS = "rights"


class Urgency(_Word):
    """How soon help is needed."""

    EMERGENCY = "emergency"
    HIGH = "high"
    NORMAL = "normal"


#: Facets with one value each and the values they take; platform is left out, its values are the keys of content/platforms.yml.
SINGLE_FACETS: dict[str, type[_Word]] = {
    "role": Role,
    "kind": Kind,
    "context": Context,
    "crisis": Crisis,
    "age_band": AgeBand,
}

BOOLEAN_FACETS: tuple[str, ...] = ("repeated", "anonymous_bully", "adult_informed", "evidence_saved")

#: Every facet that a message can tell, in the order in which they are printed.
FACETS: tuple[str, ...] = (
    "role",
    "kind",
    "context",
    "forms",
    "platform",
    "repeated",
    "crisis",
    "age_band",
    "anonymous_bully",
    "adult_informed",
    "evidence_saved",
)

#: Whether anybody in a message needs help: said of the message, and no facet of the situation. Labels hold it only where it is false.
CONCERN = "concern"

#: All that a message can be labelled with, in training data and by a moderator.
LABELS: tuple[str, ...] = (*FACETS, CONCERN)

#: Referral ids, a contract: exactly the keys of content/helplines.yml.
REFERRALS: tuple[str, ...] = tuple(
    """noodnummer politie zelfmoordlijn awel 1712 nupraatikerover child_focus take_it_down stopncii clbchat clb jac caw lumi
    tele_onthaal overkop tejo watwat noknok conflicthelden kinderrechtencommissariaat zorgleerkracht api api_federatie
    integriteit_clb_pbd de_ambrassade sportieq meldpunt_grensoverschrijdend_gedrag unia vmri igvm vertrouwenspersoon_werk
    preventieadviseur ombudsdienst_telecom bipt gba allesoverpesten kimiwa tumult pimento mediawijs grenswijs cavaria_kliq nom
    antipestslang gezonde_school pbd pulso scholierenkoepel""".split()
)
