from .data import as_dataset as as_dataset
from .modules import import_object as import_object
from .modules import load_weights as load_weights
from .user_model import UserDecoder as UserDecoder
from .user_model import UserEncoder as UserEncoder
from .user_model import Wrapped as Wrapped
