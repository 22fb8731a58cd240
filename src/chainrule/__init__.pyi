from chainrule import errors as errors
from chainrule.errors import TrainingWarning as TrainingWarning
from chainrule.estimators import MLPClassifier as MLPClassifier
from chainrule.estimators import MLPRegressor as MLPRegressor
from chainrule.files import load as load
from chainrule.files import save as save
from chainrule.maths.activations import Activation as Activation
from chainrule.maths.losses import CrossEntropy as CrossEntropy
from chainrule.maths.losses import GroupedLogLoss as GroupedLogLoss
from chainrule.maths.losses import Huber as Huber
from chainrule.maths.losses import LogLoss as LogLoss
from chainrule.maths.losses import Loss as Loss
from chainrule.maths.losses import Quantile as Quantile
from chainrule.network import GradientCheck as GradientCheck
from chainrule.network import Network as Network
from chainrule.network import Trace as Trace
from chainrule.network import check_gradients as check_gradients
from chainrule.optimizers import SGD as SGD
from chainrule.optimizers import Adam as Adam
from chainrule.training import Checkpoint as Checkpoint
from chainrule.training import History as History
from chainrule.training import Learner as Learner
from chainrule.working import Comparison as Comparison
from chainrule.working import Derivation as Derivation
from chainrule.working import compare as compare
from chainrule.working import explain as explain

__version__: str
