from .executor import Executor as Executor
from .executor import Job as Job
from .executor import JobState as JobState
