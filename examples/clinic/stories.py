"""What happened to the forty-four patients: the truth that the tables are made from, and that grades must find again.

A line is a patient: name, sex, age (years), weight (kg), disease, targets and origin of the product, marrow blasts
before lymphodepletion (percent), days of neutrophils <= 500 and <= 100 per uL after the infusion, and the story: words
``day:what:how...``, days counted from the first infusion.

crs:GRADE:how, icans:GRADE:how (grade 0 where the story has none), CR CRi MLFS PR failure:MRD:more (a marrow and its
MRD), mrd:how, relapse:SITE:CD19, progression, infusion:targets, hsct:donor:neutrophils:platelets (days to recovery from
the transplant, 0 never), dli, agvhd:GRADE, cgvhd:SEVERITY, bcells (first sample with B cells again), infection:GRADE:
kind, second_cancer, new_therapy:agent, death:cause, lost, miss (the visits of MRD near that day were missed).
MRD: neg, pos_0.3 (percent), insuf (negative, insufficient sensitivity), ngs (negative to 1e-6), low (below
quantification).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

FIRST: Final = date(2020, 2, 3)
CUTOFF: Final = date(2023, 12, 31)
RESPONSES: Final = ("CR", "CRi", "MLFS", "PR", "failure")

INFUSED: Final = """
C01 F 34 62 B-ALL CD19 autologous 45 9 0 | 3:crs:1 28:CR:neg 78:hsct:haplo:15:19 98:agvhd:2 250:cgvhd:mild
C02 M 19 70 B-ALL CD19/CD22 autologous 82 16 4 | 1:crs:3 5:icans:3:seizure 28:CRi:neg 56:CR:neg
    85:hsct:unrelated:17:22 110:agvhd:1
C03 F 7 22 B-ALL CD19 autologous 60 8 0 | 2:crs:2 28:CR:neg 150:bcells 168:infusion:CD19 172:crs:1 196:CR:neg
C04 M 45 80 B-ALL CD19 autologous 91 6 0 | 1:crs:5:fatal 14:death:crs
C05 F 28 58 B-ALL CD19 autologous 30 12 0 | 4:crs:2:noflow 28:CR:neg 90:CR:pos_0.02 104:CR:pos_0.3
    150:relapse:bm:positive 175:infusion:CD19/CD22 178:crs:1 203:CR:neg 250:hsct:haplo:14:18
C06 M 52 85 B-ALL CD19 autologous 18 5 0 | 2:crs:2:tocilizumab 28:CR:neg 62:hsct:sibling:13:16 120:infection:2:viral
C07 F 16 50 B-ALL CD19 autologous 70 10 0 | 1:crs:3:logged 28:CRi:neg 60:CR:neg 90:miss
C08 M 39 77 B-ALL CD19/CD22 autologous 55 13 0 | 2:crs:3:vasopressin 6:icans:1 28:CR:neg 88:hsct:haplo:16:25
    116:agvhd:2
C09 F 61 66 B-ALL CD19 autologous 88 22 8 | 1:crs:4:bipap 5:icans:4 12:iec_hs:3 28:MLFS:neg 60:CRi:neg
    120:death:infection
C10 M 10 34 B-ALL CD19 autologous 25 7 0 | 3:crs:1 6:icans:1 28:CR:neg 180:miss
C11 F 24 54 B-ALL CD19 autologous 66 11 0 | 2:crs:2 6:icans:3:seizure 28:CR:neg 70:hsct:unrelated:18:27 91:agvhd:2
C12 M 31 72 B-ALL CD19 autologous 12 4 0 | 3:crs:1 28:CR:neg 49:hsct:auto:11:14 51:infusion:CD19 57:crs:1 79:CR:neg
C13 F 27 60 B-ALL CD19/CD22 autologous 8 6 0 | 4:crs:2 28:PR:neg:emd_pr 98:CR:neg:emd_cr
C14 M 14 48 B-ALL CD19 autologous 35 9 0 | 3:crs:1 28:CR:neg 400:relapse:csf:not_tested 430:new_therapy:chemotherapy
    620:death:disease
C15 F 41 63 B-ALL CD19 autologous 75 15 0 | 1:crs:2 28:CR:neg 160:relapse:bm:negative 205:infusion:CD22 208:crs:1
    233:CRi:pos_0.6 300:relapse:bm:negative 380:death:disease
C16 M 5 19 B-ALL CD19 autologous 94 12 3 | 1:crs:3 28:CR:neg 120:relapse:bm:lineage_switch 170:death:disease
C17 F 22 57 B-ALL CD19 autologous 40 10 0 | 3:crs:2 28:CR:neg 183:CR:pos_0.05 197:CR:pos_0.2 225:hsct:haplo:15:21
    255:CR:neg
C18 M 9 30 B-ALL CD19 autologous 14 5 0 | 5:crs:1 28:CR:neg 56:bcells 110:infusion:CD19 138:CR:neg 210:bcells
C19 F 57 71 B-ALL CD19 autologous 85 18 0 | 2:crs:2 28:failure:none 95:death:disease
C20 M 36 83 B-ALL CD19 autologous 60 8 0 | 3:crs:1 28:PR:none 60:progression 66:new_therapy:blinatumomab 105:CR:neg
    150:hsct:unrelated:16:20 180:agvhd:2
C21 F 18 52 B-ALL CD19 autologous 1 3 0 | 28:CR:neg 75:hsct:sibling:14:17 290:cgvhd:moderate
C22 M 12 41 B-ALL CD19/CD22 autologous 2 4 0 | 6:crs:1 28:CR:neg 300:bcells
C23 F 48 69 B-ALL CD19 autologous 52 9 0 | 2:crs:1 28:CR:insuf 64:hsct:haplo:15:23 85:agvhd:1 92:CR:neg
C24 M 29 74 B-ALL CD19/CD22 autologous 33 7 0 | 3:crs:2 28:CR:ngs 90:CR:ngs 365:CR:low
C25 F 33 61 B-ALL CD19 autologous 47 8 0 | 2:crs:1 28:CR:neg 72:hsct:haplo:0:0 114:hsct:haplo:17:26 135:agvhd:1
C26 M 26 79 B-ALL CD19 autologous 38 6 0 | 4:crs:1 28:CR:neg 66:hsct:sibling:13:18 300:relapse:bm:positive 340:dli
    370:agvhd:2 380:CR:neg
C27 F 44 64 B-ALL CD19/CD22 autologous 62 10 0 | 2:crs:2 28:CR:neg 83:hsct:unrelated:18:30 108:agvhd:4 190:death:gvhd
C28 M 21 68 B-ALL CD19 autologous 58 9 0 | 1:crs:2 4:icans:2 28:CR:neg 77:hsct:haplo:15:20 112:agvhd:3
    280:cgvhd:severe
C29 F 38 56 B-ALL CD19 autologous 29 7 0 | 3:crs:1 28:CR:neg 69:hsct:sibling:14:18 270:cgvhd:moderate
    640:second_cancer
C30 M 50 88 B-ALL CD19 autologous 20 6 0 | 28:CR:neg 240:lost
C31 F 30 59 B-ALL CD19 autologous 68 10 0 | 2:crs:2 28:CR:pos_0.08 56:CR:pos_0.03 80:hsct:unrelated:16:22 110:CR:neg
C32 M 43 81 B-ALL CD19 autologous 79 32 16 | 1:crs:3 3:icans:2 28:MLFS:neg 100:CRi:neg 210:relapse:bm:dim
    330:death:disease
C33 F 6 21 B-ALL CD19/CD22 autologous 22 6 0 | 4:crs:1 28:CR:neg 420:bcells
C34 M 59 76 B-ALL CD19 autologous 71 14 0 | 2:crs:2 6:icans:1 28:CRi:neg 52:infection:5:fungal 58:death:infection
C35 F 23 55 T-ALL CD7 donor 64 15 5 | 1:crs:2 28:CRi:neg 61:hsct:haplo:14:19 90:agvhd:2
C36 M 17 63 T-ALL CD7 donor 77 17 6 | 1:crs:3 20:agvhd:1 28:CRi:neg 60:CR:neg 74:infection:3:viral
    240:relapse:emd:not_tested 310:death:disease
C37 F 35 60 T-ALL CD7 donor 39 13 0 | 2:crs:1 28:CR:neg 67:hsct:haplo:16:21
C38 M 13 45 T-ALL CD7 autologous 50 12 0 | 2:crs:2 28:CR:neg 64:hsct:unrelated:15:20 88:agvhd:2
C39 F 46 67 T-ALL CD7 donor 83 20 9 | 1:crs:4:pressors 28:failure:none 70:death:disease
C40 M 4 17 T-ALL CD7 autologous 31 9 0 | 3:crs:1 28:CR:neg 130:infection:2:bacterial
"""

NEVER_INFUSED: Final = """
C41 M 55 90 B-ALL CD19 manufacturing_failure | 80:lost
C42 F 62 70 B-ALL CD19 died | 24:death:infection
C43 M 20 66 B-ALL CD19 progression | 18:progression 49:death:disease
C44 F 11 36 T-ALL CD7 manufacturing_failure | 150:lost
"""

REPORTED_OTHERWISE: Final = {
    ("C03", "crs", 1): "1",  # derived 2
    ("C08", "crs", 1): "4",  # norepinephrine and vasopressin: the site counted two vasopressors
    ("C11", "icans", 1): "2",  # a seizure is 3 at least
    ("C28", "agvhd", 1): "2",  # derived 3
    ("C28", "cgvhd", 1): "moderate",  # derived severe
    ("C02", "CRi", 28): "CR",  # platelets below 100
    ("C13", "PR", 28): "PR",  # marrow in remission, disease elsewhere: no response by ELN 2024
    ("C32", "MLFS", 28): "CRi",
}
"""What the site reported where it disagrees with its own bedside tables: by patient, event, and course or day."""


@dataclass(frozen=True)
class Word:
    """Something that happened: days from the first infusion, what, and how."""

    day: int
    what: str
    how: tuple[str, ...]

    def detail(self, at: int = 0) -> str:
        """Return one word of how it was; empty where there is none."""
        return self.how[at] if at < len(self.how) else ""


@dataclass(frozen=True)
class Patient:
    """A patient of the cohort; ``zero`` is the day of the first infusion, or of the apheresis where there is none."""

    name: str
    number: int
    sex: str
    age: int
    weight: int
    disease: str
    targets: str
    origin: str
    blasts: int
    low: tuple[int, int]
    vein_to_vein: int
    zero: date
    story: tuple[Word, ...]
    never: str = ""

    def on(self, day: float) -> str:
        """Return the ISO date of a day, with the time of day where it has one."""
        whole = int(day // 1)
        minutes = round((day - whole) * 1440)
        clock = f"T{minutes // 60:02d}:{minutes % 60:02d}" if minutes else ""
        return f"{self.zero + timedelta(days=whole)}{clock}"

    def words(self, *what: str) -> tuple[Word, ...]:
        """Return what happened of these kinds."""
        return tuple(word for word in self.story if word.what in what)

    @property
    def end(self) -> int:
        """The last day of follow-up."""
        last = [word.day for word in self.words("death", "lost")]
        return last[0] if last else (CUTOFF - self.zero).days

    @property
    def infusions(self) -> tuple[Word, ...]:
        """The infusions, each with its targets."""
        if self.never:
            return ()
        return (Word(0, "infusion", (self.targets,)), *self.words("infusion"))

    @property
    def courses(self) -> tuple[Word, ...]:
        """All that opens a course, in order of days."""
        return tuple(sorted((*self.infusions, *self.words("hsct", "dli")), key=lambda word: word.day))

    def until(self, course: Word) -> int:
        """Return the day on which a course ends: that of the next one, or the end of follow-up."""
        return min((each.day for each in self.courses if each.day > course.day), default=self.end)

    def number_of(self, what: str, day: float) -> int:
        """Return the number of the latest course of a kind on a day."""
        opened = self.infusions if what == "infusion" else self.words(what)
        return sum(word.day <= day for word in opened)


def _word(text: str) -> Word:
    day, what, *how = text.split(":")
    return Word(int(day), what, tuple(how))


def _patient(number: int, line: str) -> Patient:
    head, tail = line.split("|")
    name, sex, age, weight, disease, targets, *rest = head.split()
    infused = len(rest) > 1
    vein_to_vein = 26 + 7 * number % 17
    apheresis = FIRST + timedelta(days=21 * ((number * 13) % 44))
    return Patient(
        *(name, number, sex, int(age), int(weight), disease, targets),
        origin=rest[0] if infused else "autologous",
        blasts=int(rest[1]) if infused else 50,
        low=(int(rest[2]), int(rest[3])) if infused else (0, 0),
        vein_to_vein=vein_to_vein if infused else 0,
        zero=apheresis + timedelta(days=vein_to_vein if infused else 0),
        story=tuple(_word(text) for text in tail.split()),
        never="" if infused else rest[0],
    )


def patients() -> tuple[Patient, ...]:
    """Return the patients, in the order of their names."""
    lines = (INFUSED + NEVER_INFUSED).replace("\n    ", " ").split("\n")
    return tuple(_patient(number, line) for number, line in enumerate((line for line in lines if line), 1))
