"""What people decided about what does not match; nothing here says who a member is."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from server_stub.models.act import ActRow
from server_stub.models.card import Card
from server_stub.models.fields import BytesField


class ActReversal(models.Model):
    """That an act counts no more, by a later one."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="reversal")
    reversed = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="reversed_by")

    class Meta:
        ordering = ["act_id"]
        constraints = [
            models.CheckConstraint(condition=Q(act__gt=F("reversed")), name="reversal_is_later"),
        ]

    def __str__(self) -> str:
        return f"{self.act_id} reverses {self.reversed_id}"


class FindingHandling(models.Model):
    """What a person did about a finding that moves no money."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="handling")
    finding = models.CharField(max_length=32)
    key = models.CharField(max_length=128)
    handling = models.PositiveIntegerField()
    """A `cardkit.resolutions.Handling`."""
    facts = BytesField(max_length=32)
    """Hash of the facts that were seen; other facts are to be looked at again."""

    class Meta:
        ordering = ["act_id"]
        indexes = [models.Index(fields=["finding", "key"], name="handling_by_finding")]

    def __str__(self) -> str:
        return f"{self.finding} {self.key}: {self.handling}"


class ActText(models.Model):
    """What somebody wrote beside an act; it can be erased, and no sum changes."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="text")
    text = models.CharField(max_length=500)

    def __str__(self) -> str:
        return f"text of act {self.act_id}"


class Proposal(models.Model):
    """What a first person decided that takes two; it counts once a second one decides the same."""

    subject = models.CharField(max_length=200, unique=True)
    """What it is about: a finding, a dispute, an act."""
    content = models.JSONField()
    """The decision, word for word: the second person's must be equal."""
    by = models.PositiveBigIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"proposal about {self.subject}"


class Dispute(models.Model):
    """A proven sale that somebody disputes, or that the caisse itself holds."""

    number = BytesField(max_length=16, unique=True)
    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="dispute")
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="disputes")
    tmc = models.PositiveBigIntegerField()
    kind = models.PositiveIntegerField()
    """A `cardkit.resolutions.DisputeKind`."""
    amount_cents = models.PositiveBigIntegerField()
    is_held = models.BooleanField()
    answer_by = models.DateField(null=True)

    class Meta:
        ordering = ["act_id"]
        indexes = [models.Index(fields=["card", "tmc"], name="dispute_by_sale")]
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="dispute_is_of_money"),
        ]

    def __str__(self) -> str:
        return f"dispute {self.number.hex()[:8]}"


class DisputeStep(models.Model):
    """An answer, or a decision."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="dispute_step")
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="steps")
    event = models.CharField(max_length=12)
    """A `rules.disputes.Event`."""
    amount_cents = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["act_id"]

    def __str__(self) -> str:
        return f"{self.dispute}: {self.event}"


class Carnet(models.Model):
    """A numbered carnet of paper slips, and the one merchant who holds it."""

    number = models.PositiveBigIntegerField(primary_key=True)
    merchant = models.PositiveBigIntegerField()
    first_slip = models.PositiveBigIntegerField()
    last_slip = models.PositiveBigIntegerField()
    handed_out_on = models.DateField()
    handed_out_by = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_slip__gt=0, last_slip__gte=F("first_slip")),
                name="carnet_has_slips",
            ),
        ]

    def __str__(self) -> str:
        return f"carnet {self.number}"


class PaperSlip(models.Model):
    """What one person read off a slip; it is paid once a second one has read the same."""

    carnet = models.ForeignKey(Carnet, on_delete=models.PROTECT, related_name="slips")
    number = models.PositiveBigIntegerField()
    day = models.DateField()
    amount_cents = models.PositiveBigIntegerField()
    card_number = models.CharField(max_length=20)
    """As it stands on the slip: the UID that is printed on the card."""
    card = models.ForeignKey(Card, on_delete=models.PROTECT, null=True, related_name="slips")
    is_initialled = models.BooleanField()
    """Whether the member's initials are on it; the letters themselves stay on the paper."""
    entered_by = models.PositiveBigIntegerField()
    entered_at = models.DateTimeField()

    class Meta:
        ordering = ["carnet_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["carnet", "number"], name="slip_entered_once"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="slip_is_of_money"),
        ]

    def __str__(self) -> str:
        return f"slip {self.carnet_id}-{self.number}"


class PaperClaim(models.Model):
    """A slip that two people decided to pay."""

    act = models.OneToOneField(ActRow, on_delete=models.PROTECT, related_name="paper_claim")
    carnet = models.PositiveBigIntegerField()
    slip = models.PositiveBigIntegerField()
    merchant = models.PositiveBigIntegerField()
    day = models.DateField()
    amount_cents = models.PositiveBigIntegerField()
    card = models.ForeignKey(Card, on_delete=models.PROTECT, null=True, related_name="paper")
    bearer = models.PositiveIntegerField()
    """A `cardkit.resolutions.PaperBearer`."""
    doubts = models.PositiveIntegerField()
    entered_by = models.PositiveBigIntegerField()
    confirmed_by = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["act_id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="paper_is_of_money"),
            models.CheckConstraint(
                condition=~Q(entered_by=F("confirmed_by")), name="paper_has_four_eyes"
            ),
        ]

    def __str__(self) -> str:
        return f"paper {self.carnet}-{self.slip}"


class PaperPaid(models.Model):
    """Which claim a slip is paid by: one number of a carnet is paid once, whatever code says."""

    carnet = models.PositiveBigIntegerField()
    slip = models.PositiveBigIntegerField()
    claim = models.OneToOneField(PaperClaim, on_delete=models.PROTECT, related_name="paid")

    class Meta:
        ordering = ["carnet", "slip"]
        constraints = [
            models.UniqueConstraint(fields=["carnet", "slip"], name="slip_paid_once"),
        ]

    def __str__(self) -> str:
        return f"slip {self.carnet}-{self.slip} paid"
