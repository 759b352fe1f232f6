"""The question before something is lost. It is a page, so that it is asked without JavaScript too."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


@dataclass(frozen=True)
class Question:
    """`losses` says what will be gone, one sentence each. With `phrase`, it must be typed in."""

    title: str
    losses: list[str]
    button: str
    back: str
    keep: str = "Keep everything as it is"
    phrase: str = ""
    phrase_label: str = ""


def is_confirmed(request: HttpRequest, question: Question) -> bool:
    """Whether the page with this very question was sent, with its phrase where it asks for one."""
    sent = request.method == "POST" and request.POST.get("confirmed") == "yes"
    return sent and (not question.phrase or request.POST.get("phrase", "").strip() == question.phrase)


def ask(request: HttpRequest, question: Question, *, trouble: str = "", status: int = 200) -> HttpResponse:
    """The page. `trouble` says why what was confirmed did not happen."""
    is_wrong = not trouble and request.POST.get("confirmed") == "yes" and bool(question.phrase)
    context = {
        "question": question,
        "trouble": trouble,
        "is_wrong": is_wrong,
        "typed": request.POST.get("phrase", ""),
        # Values of the form that asked go on with the answer.
        "sent": [(name, value) for name, value in request.POST.items() if name in ("role",)],
    }
    return render(request, "portal/confirm.html", context, status=400 if is_wrong else status)
